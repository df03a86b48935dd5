import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {acceptedIn} from '../../src/core/verdict/accepted.ts'
import {blankMemory, untold} from '../../src/core/verdict/group-memory.ts'
import {inherit} from '../../src/core/verdict/inheritance.ts'
import {type Cause, causes} from '../../src/core/vocabulary.ts'
import {
  failing,
  judgementOf,
  NOW,
  OURS,
  primary,
  standby,
  type Trial,
  unasked,
  viewOf,
  wrote,
} from '../support/records.ts'

/** The numbers of the timelines that are remembered. */
const timelines = (trial: Trial): readonly number[] => judgementOf(trial).memory.wrote.map(({timeline}) => timeline)
const stopped = (host: string) => failing(host, 'refused', {isStopping: true})

describe('what a group remembers', () => {
  test('the timelines, of whomever they were seen, and none that is far below the highest', () => {
    expect(timelines({hosts: [primary('a', {timeline: 3}), standby('b', {timeline: 4})]})).toEqual([3, 4])
    expect(timelines({hosts: [primary('a'), standby('b')], memory: {wrote: [wrote(7)]}})).toEqual([7])
  })

  test('who wrote on a timeline, and how far it had flushed', () => {
    const {memory} = judgementOf({hosts: [primary('a', {lsn: '0/4000000'}), standby('b')]})
    expect(memory.wrote).toEqual([wrote(1, 'a', {lsn: '0/4000000', by: 'a'})])
    const later = judgementOf({hosts: [primary('a', {lsn: '0/5000000'}), standby('b')], memory})
    expect(later.memory.wrote).toEqual([wrote(1, 'a', {lsn: '0/5000000', by: 'a'})])
  })

  // Seen under full load: one answer told a flush 16 kB beyond the write, and was judged twice.
  test('S4: an answer whose flush came after its write proves no loss, however often it is judged', () => {
    const hosts = [primary('a', {lsn: '0/4000000', flushLsn: '0/4004000'}), standby('b')]
    const {memory} = judgementOf({hosts})
    expect(memory.wrote).toEqual([wrote(1, 'a', {lsn: '0/4004000', by: 'a'})])
    expect(judgementOf({hosts, memory}).verdict).toMatchObject({rule: 'V4', routedTo: 'a'})
  })

  test('the first primary on a timeline that only standbys had shown is its writer', () => {
    const hosts = [primary('a', {timeline: 2}), standby('b', {timeline: 2})]
    const {memory, verdict} = judgementOf({hosts, memory: {wrote: [wrote(2)]}})
    expect(memory.wrote).toEqual([wrote(2, 'a', {lsn: '0/3000000', by: 'a'})])
    expect(verdict.routedTo).toBe('a')
  })

  test('two writers of one number, after a split brain of one number', () => {
    const {memory} = judgementOf({hosts: [primary('a', {timeline: 2}), primary('b', {timeline: 2})]})
    expect(memory.wrote.map(({timeline, host}) => [timeline, host])).toEqual([
      [2, 'a'],
      [2, 'b'],
    ])
  })

  test('what a standby received from a primary that is out of sight', () => {
    const memory = {systemIdentifier: OURS, wrote: [wrote(1, 'a', {lsn: '0/3000000', by: 'a'})]}
    const hosts = [failing('a'), standby('b', {lsn: '0/4000000'}), standby('c')]
    const raised = judgementOf({hosts, memory}).memory.wrote
    expect(raised).toEqual([wrote(1, 'a', {lsn: '0/4000000', by: 'b'})])
  })

  test('no timeline of a stranger', () => {
    expect(timelines({hosts: [primary('a'), primary('b', {cluster: '1', timeline: 9}), standby('c')]})).toEqual([1])
  })

  test('while it is open whose cluster this is, the timelines of each', () => {
    const {memory} = judgementOf({hosts: [primary('a'), standby('b', {cluster: '1', timeline: 9})]})
    expect(memory.wrote).toEqual([])
    expect(memory.unproven?.[OURS]?.wrote.map(({timeline}) => timeline)).toEqual([1])
    expect(memory.unproven?.['1']?.wrote.map(({timeline}) => timeline)).toEqual([9])
  })

  test('no timeline of a duplicate, a stale or a shut host', () => {
    const shut = {knock: {cause: 'hung', detail: ''}} as const
    expect(timelines({hosts: [primary('a'), standby('b'), standby('c', {timeline: 9, more: shut})]})).toEqual([1])
    expect(timelines({hosts: [primary('a'), standby('b', {timeline: 9, ageMs: 3_001})]})).toEqual([1])
  })

  test('the rivals, until fewer than two are left', () => {
    expect(judgementOf({hosts: [primary('a'), primary('b')]}).memory.rivals).toEqual(['a', 'b'])
    expect(
      judgementOf({hosts: [failing('a', 'timeout'), primary('b')], memory: {rivals: ['a', 'b']}}).memory.rivals,
    ).toEqual(['a', 'b'])
    expect(
      judgementOf({hosts: [failing('a', 'refused'), primary('b')], memory: {rivals: ['a', 'b']}}).memory.rivals,
    ).toEqual(['a', 'b'])
    expect(judgementOf({hosts: [stopped('a'), primary('b')], memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual([])
  })

  // S3. A refusal is not a death: a firewall refuses in the name of a living server.
  const endsSplitBrain: Readonly<Record<Cause, boolean>> = {
    refused: false,
    'foreign-cluster': true,
    duplicate: true,
    timeout: false,
    closed: false,
    'not-accepting': false,
    hung: false,
    auth: false,
    tls: false,
    dns: false,
    'too-many-connections': false,
    stale: false,
    error: false,
  }
  for (const cause of causes) {
    const effect = endsSplitBrain[cause] ? 'ends' : 'does not end'
    test(`S3: a rival that becomes unavailable (${cause}) ${effect} the split brain`, () => {
      const {memory, verdict} = judgementOf({
        hosts: [failing('a', cause), primary('b', {timeline: 2})],
        memory: {rivals: ['a', 'b'], systemIdentifier: OURS},
      })
      expect(memory.rivals).toEqual(endsSplitBrain[cause] ? [] : ['a', 'b'])
      expect(verdict.routedTo).toBe(endsSplitBrain[cause] ? 'b' : null)
    })
  }

  test('S3: a rival that said it stops, and refuses since, ends the split brain', () => {
    const trial = {hosts: [stopped('a'), primary('b', {timeline: 2})], memory: {rivals: ['a', 'b']}}
    expect(judgementOf(trial).verdict).toMatchObject({rule: 'V4', routedTo: 'b'})
  })

  test('S3: it does not while a standby has heard from it since', () => {
    const hearing = (of: string, timeline: number) =>
      standby('c', {of, timeline, ageMs: 5, receiver: {lastMessageAgeMs: 0}})
    const rivals = (c: HostRecord) =>
      judgementOf({hosts: [stopped('a'), primary('b', {timeline: 2}), c], memory: {rivals: ['a', 'b']}}).memory.rivals
    expect(rivals(hearing('a', 1))).toEqual(['a', 'b'])
    expect(rivals(hearing('b', 2))).toEqual([])
    expect(rivals(hearing('10.9.9.9', 1))).toEqual(['a', 'b'])
    expect(rivals(hearing('10.9.9.9', 2))).toEqual([])
    expect(rivals(standby('c', {of: 'a', ageMs: 5, receiver: {lastMessageAgeMs: 500}}))).toEqual([])
  })

  test('S3: a session that answers as primary is a rival, whatever a knock has against it', () => {
    const hung = primary('a', {more: {knock: {cause: 'hung', detail: ''}}})
    expect(judgementOf({hosts: [hung, primary('b', {timeline: 2})]}).verdict).toMatchObject({
      rule: 'V1',
      routedTo: null,
    })
  })

  test('no rivals if one was asked before the other became primary: its last answer proves nothing about now', () => {
    const since = (ageMs: number) => ({primarySince: NOW - ageMs})
    const hung = primary('a', {ageMs: 800, more: since(60_000)})
    const before = judgementOf({hosts: [hung, primary('b', {ageMs: 10, timeline: 2, more: since(10)})]})
    expect(before.memory.rivals).toEqual([])
    expect(before.verdict).toMatchObject({rule: 'V3', kind: 'unconfirmed', routedTo: null, primaries: ['a', 'b']})
    const again = judgementOf({
      hosts: [primary('a', {ageMs: 10, more: since(60_000)}), primary('b', {ageMs: 5, timeline: 2, more: since(10)})],
    })
    expect(again.memory.rivals).toEqual(['a', 'b'])
    expect(again.verdict.rule).toBe('V1')
    const silent = judgementOf({
      hosts: [failing('a', 'timeout'), primary('b', {timeline: 2, more: since(10)})],
      memory: before.memory,
    })
    expect(silent.verdict).toMatchObject({rule: 'V4', routedTo: 'b'})
  })

  test('a rival that answers again is no newcomer: the answer of the other one may be older', () => {
    const again = primary('b', {ageMs: 5, timeline: 2, more: {primarySince: NOW - 5}})
    const hosts = [primary('a', {ageMs: 900, more: {primarySince: NOW - 60_000}}), again]
    expect(judgementOf({hosts, memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual(['a', 'b'])
    expect(judgementOf({hosts}).memory.rivals).toEqual([])
  })

  test('a third primary joins the rivals', () => {
    const hosts = [failing('a', 'timeout'), primary('b'), primary('c')]
    expect(judgementOf({hosts, memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual(['a', 'b', 'c'])
  })

  test('the rivals through a restart: not asked yet is silent too', () => {
    expect(judgementOf({hosts: [unasked('a'), unasked('b')], memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual([
      'a',
      'b',
    ])
    expect(judgementOf({hosts: [unasked('a'), standby('b')], memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual([])
  })

  test('the identity, once learned', () => {
    expect(judgementOf({hosts: [primary('a'), standby('b'), failing('c')]}).memory.systemIdentifier).toBe(OURS)
    expect(judgementOf({hosts: [primary('a'), failing('b'), failing('c')]}).memory.systemIdentifier).toBe(null)
  })

  test('nothing of the cluster that was there before, where the configuration names another one', () => {
    const memory = {systemIdentifier: '42', wrote: [wrote(9)], rivals: ['a', 'b'], voidStandbys: {b: '0/9'}}
    const after = judgementOf({hosts: [primary('a'), standby('b')], settings: {systemIdentifier: OURS}, memory}).memory
    expect(after).toEqual({
      ...blankMemory,
      hosts: ['a', 'b'],
      systemIdentifier: OURS,
      wrote: [wrote(1, 'a', {lsn: '0/3000000', by: 'a'})],
    })
  })
})

describe("the operator's word for a, against b on timeline 2", () => {
  const before = {...blankMemory, systemIdentifier: OURS, wrote: [wrote(1, 'a'), wrote(2, 'b', {lsn: '0/4'})]}
  const hosts = [primary('a'), failing('b'), standby('c', {timeline: 2, lsn: '0/3500000'})]
  const memory = acceptedIn(before, 'a', viewOf(hosts, OURS))

  test('voids what it overrules, and nothing else', () => {
    expect(memory.voids).toEqual([{timeline: 2, host: 'b', for: 'a'}])
    expect(memory.voidStandbys).toEqual({c: '0/3500000'})
    expect(judgementOf({hosts, memory}).verdict.routedTo).toBe('a')
  })

  // Seen: a restored primary in the WAL file of its standbys, which attach to it again.
  test('holds for a standby that streams, until the primary has reached what the standby holds', () => {
    const restored = [primary('a', {ageMs: 20}), standby('b', {of: 'a', ageMs: 30, lsn: '0/3500000'})]
    const lost = {...blankMemory, systemIdentifier: OURS, wrote: [wrote(1, 'a', {lsn: '0/3500000', by: 'b'})]}
    expect(judgementOf({hosts: restored, memory: lost}).verdict.situation).toBe('primary-lost-wal')
    const accepted = judgementOf({hosts: restored, memory: acceptedIn(lost, 'a', viewOf(restored, OURS))})
    const again = judgementOf({hosts: restored, memory: accepted.memory, notes: accepted.notes})
    expect(again.verdict).toMatchObject({rule: 'V4', routedTo: 'a'})
    expect(again.memory.voidStandbys).toEqual({b: '0/3500000'})
    const reached = [primary('a', {lsn: '0/3500000'}), standby('b', {of: 'a', lsn: '0/3500000'})]
    expect(judgementOf({hosts: reached, memory: again.memory}).memory.voidStandbys).toEqual({})
  })

  test('the next promotion gets the same number, and is believed', () => {
    const next = [failing('a'), failing('b'), primary('c', {timeline: 2})]
    expect(judgementOf({hosts: next, memory}).verdict.routedTo).toBe('c')
  })

  test('the overruled host that returns alone is not routed to', () => {
    const alone = [failing('a'), primary('b', {timeline: 2}), failing('c')]
    expect(judgementOf({hosts: alone, memory}).verdict).toMatchObject({routedTo: null, situation: 'overruled-primary'})
  })

  test('ends when the overruled host streams from the primary again', () => {
    const rebuilt = [primary('a'), standby('b', {of: 'a'}), standby('c')]
    const healed = judgementOf({hosts: rebuilt, memory}).memory
    expect([healed.voids, healed.wrote.map(({host}) => host)]).toEqual([[], ['a']])
  })

  test('ends when the accepted host streams from the overruled one', () => {
    const turned = [standby('a', {of: 'b', timeline: 2}), primary('b', {timeline: 2}), standby('c', {timeline: 2})]
    const {memory: healed, verdict} = judgementOf({hosts: turned, memory})
    expect([healed.voids, verdict.routedTo]).toEqual([[], 'b'])
  })
})

describe('a host that does not tell its cluster', () => {
  const mute = {session: {systemIdentifier: null}}
  const open = (cluster: string) => ({unproven: {[cluster]: {wrote: [wrote(9, 'z')], voids: []}}})

  test('has timelines under no name, and the cluster that the group proves to be takes them in', () => {
    const {memory} = judgementOf({hosts: [primary('a', {timeline: 2, ...mute}), standby('b', mute), failing('c')]})
    expect(memory.wrote).toEqual([])
    expect(memory.unproven?.[untold]?.wrote).toMatchObject([{timeline: 1}, {timeline: 2, host: 'a'}])
    const told = judgementOf({hosts: [standby('a'), primary('b'), standby('c')], memory})
    expect(told.memory.unproven).toBeUndefined()
    expect(told.memory.wrote.map(({timeline}) => timeline)).toEqual([1, 2])
    expect(told.verdict).toMatchObject({routedTo: null, situation: 'old-primary-returned'})
  })

  test.each([
    {speaker: OURS, primary: mute, situation: 'old-primary-returned'},
    {speaker: untold, primary: {}, situation: 'old-primary-returned'},
    {speaker: '1', primary: {}, situation: 'healthy'},
  ])('every cluster speaks to it, and it speaks to every cluster: $situation of "$speaker"', (given) => {
    const hosts = [primary('a', given.primary), failing('b'), failing('c')]
    expect(judgementOf({hosts, memory: open(given.speaker)}).verdict.situation).toBe(given.situation)
  })

  test('accepted, it overrules each cluster, and a rebuild ends that', () => {
    const hosts = [primary('a', mute), failing('z'), failing('c')]
    const memory = acceptedIn({...blankMemory, ...open(OURS)}, 'a', viewOf(hosts))
    expect(memory.unproven?.[untold]?.voids).toEqual([{timeline: 9, host: 'z', for: 'a'}])
    expect(judgementOf({hosts, memory}).verdict.routedTo).toBe('a')
    const rebuilt = [primary('a', mute), standby('z', {of: 'a', ...mute}), failing('c')]
    expect(judgementOf({hosts: rebuilt, memory}).memory.unproven?.[untold]?.voids).toEqual([])
  })
})

test('what two clusters left is no inheritance, and is kept', () => {
  const left = (systemIdentifier: string, hosts: readonly string[]) => ({
    ...blankMemory,
    systemIdentifier,
    hosts,
    wrote: [wrote(3)],
  })
  const remembered = {a: left('1', ['h1']), b: left('2', ['h2'])}
  expect(inherit(remembered, [{name: 'c', hosts: ['h1', 'h2']}])).toEqual(remembered)
  expect(Object.keys(inherit(remembered, [{name: 'c', hosts: ['h1']}]))).toEqual(['b', 'c'])
})
