import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {Cause} from '../../src/core/vocabulary.ts'
import {drained, failing, judgementOf, NOW, primary, SERVER_NOW, standby, unasked} from '../support/records.ts'

/** The primary answered last 2.9 s ago, and was lost a second ago. */
const seenAgo = 2_900
const lost = (cause: Cause = 'closed', more: Partial<HostRecord> = {}, lostAgo = 1_000): HostRecord => {
  const record = failing('a', cause, more)
  return {...record, observation: {...record.observation, askedAt: NOW - lostAgo} as HostRecord['observation']}
}
/** A standby of the primary, whose last message came `age` ms ago, and was sent then too. */
const hearing = (name: string, age: number, sentAgo = age, more: Parameters<typeof standby>[1] = {}) =>
  standby(name, {
    of: 'a',
    ageMs: 0,
    receiver: {lastMessageAgeMs: age, lastMessageSentMs: SERVER_NOW - sentAgo, receivedTimeline: more.timeline ?? 1},
    ...more,
  })

function ruledAfter(hosts: readonly HostRecord[], before: HostRecord = primary('a', {ageMs: seenAgo})) {
  const others = hosts.slice(1).map(({settings}) => standby(settings.name, {of: 'a', ageMs: seenAgo}))
  const first = judgementOf({hosts: [before, ...others]})
  const {verdict, until} = judgementOf({hosts, notes: first.notes, memory: first.memory, before: first.verdict})
  return {rule: verdict.rule, situation: verdict.situation, routedTo: verdict.routedTo, until}
}
const none = {rule: 'V5', situation: 'no-primary', routedTo: null, until: undefined}

describe('a lost primary stays routed while most hosts are known to receive from it', () => {
  test('until two seconds after the message that makes the majority', () => {
    const sustained = {rule: 'V4', situation: 'unreachable-but-followed', routedTo: 'a'}
    expect(ruledAfter([lost(), hearing('b', 100), hearing('c', 400)])).toEqual({...sustained, until: NOW + 1_900})
    const five = [hearing('b', 100), hearing('c', 400), hearing('d', 5_000), standby('e')]
    expect(ruledAfter([lost(), ...five])).toEqual({...sustained, until: NOW + 1_600})
  })

  const cases: readonly Readonly<{where: string; hosts: readonly HostRecord[]; before?: HostRecord}>[] = [
    {
      where: 'its name leads to another server now',
      hosts: [lost('closed', {lastAddress: '10.0.0.1', resolved: ['10.0.0.2']}), hearing('b', 100), hearing('c', 400)],
    },
    {where: 'no standby has heard anything since', hosts: [lost(), hearing('b', 1_100), hearing('c', 5_000)]},
    {
      where: 'what was received late was sent before the loss',
      hosts: [lost(), hearing('b', 100, 1_100), hearing('c', 5_000)],
    },
    {
      where: 'what was sent after the loss, by a clock that was set, was received before',
      hosts: [lost(), hearing('b', 1_100, 100), hearing('c', 5_000)],
    },
    {
      where: 'one of three standbys is no majority',
      hosts: [lost(), hearing('b', 100), hearing('c', 5_000), standby('d')],
    },
    {
      where: 'the question is not unanswered for long enough',
      hosts: [lost('timeout', {}, 300), hearing('b', 100), standby('c')],
    },
    {
      where: 'the clock of the primary is not known',
      hosts: [lost(), hearing('b', 100), hearing('c', 100)],
      before: withoutClock(),
    },
    {
      where: 'the standbys receive another timeline',
      hosts: [lost(), hearing('b', 100), hearing('c', 100)],
      before: primary('a', {ageMs: seenAgo, timeline: 2}),
    },
    {where: 'a standby is on a higher timeline', hosts: [lost(), hearing('b', 100), standby('c', {timeline: 2})]},
    {
      where: 'the server said that it stops',
      hosts: [lost('refused', {isStopping: true}), hearing('b', 100), hearing('c', 100)],
    },
    {
      where: 'an order ended the session',
      hosts: [lost('refused', {wasOrdered: true}), hearing('b', 100), hearing('c', 100)],
    },
    {where: 'the primary is drained', hosts: [lost('closed', drained), hearing('b', 100), hearing('c', 100)]},
  ]
  test.each(cases)('not where $where', ({hosts, before}) => expect(ruledAfter(hosts, before)).toEqual(none))

  test.each(['hung', 'not-accepting', 'auth', 'tls', 'dns', 'too-many-connections', 'error'] as const)(
    'not where the cause is %s: the host spoke, or we are blind',
    (cause) => expect(ruledAfter([lost(cause), hearing('b', 100), hearing('c', 100)])).toEqual(none),
  )

  test('not after a gap of ours, in which anything may have happened', () => {
    const [b, c] = [standby('b', {of: 'a', ageMs: seenAgo}), standby('c', {of: 'a', ageMs: seenAgo})]
    const first = judgementOf({hosts: [primary('a', {ageMs: seenAgo}), b, c]})
    const gap = judgementOf({hosts: [lost(), unasked('b'), c], notes: first.notes, before: first.verdict})
    expect(gap.verdict.rule).toBe('V0')
    const hosts = [lost(), hearing('b', 100), hearing('c', 100)]
    expect(judgementOf({hosts, notes: gap.notes, before: gap.verdict}).verdict.rule).toBe('V5')
    expect(judgementOf({hosts, notes: first.notes, before: first.verdict}).verdict.rule).toBe('V4')
  })

  test('not again after a moment without proof, before the primary was seen', () => {
    const standbys = ['b', 'c'].map((name) => standby(name, {of: 'a', ageMs: seenAgo}))
    const moments = [
      [primary('a', {ageMs: seenAgo}), ...standbys],
      [lost(), hearing('b', 100), hearing('c', 5_000)],
      [lost(), failing('b'), hearing('c', 5_000)],
      [lost(), hearing('b', 100), hearing('c', 5_000)],
    ]
    const rules: string[] = []
    moments.reduce<ReturnType<typeof judgementOf> | null>((past, hosts) => {
      const now = judgementOf({hosts, ...(past && {notes: past.notes, memory: past.memory, before: past.verdict})})
      rules.push(now.verdict.rule)
      return now
    }, null)
    expect(rules).toEqual(['V4', 'V4', 'V5', 'V5'])
  })

  test('in a cascade the link from the primary counts as well', () => {
    const behind = hearing('c', 100, 100, {of: 'b'})
    expect(ruledAfter([lost(), hearing('b', 100), behind]).routedTo).toBe('a')
    expect(ruledAfter([lost(), hearing('b', 1_100), behind])).toEqual(none)
  })
})

function withoutClock(): HostRecord {
  const record = primary('a', {ageMs: seenAgo})
  const {observation} = record
  if (observation?.kind !== 'facts') throw new Error('no facts')
  return {...record, observation: {...observation, facts: {...observation.facts, clockMs: null}}}
}
