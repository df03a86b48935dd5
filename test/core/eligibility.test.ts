import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {eligibilityOf, type Limits, noLimits} from '../../src/core/offers/eligibility.ts'
import {eligibleHosts} from '../../src/core/offers/pools.ts'
import type {GroupAssessment} from '../../src/core/verdict/assessment.ts'
import type {Predicate} from '../../src/core/vocabulary.ts'
import {assessed, snapshotOf} from '../support/assessed.ts'
import {drained, failing, primary, row, standby, unasked} from '../support/records.ts'
import {hostSettings} from '../support/settings.ts'

type Row = Readonly<{given: string; when: readonly HostRecord[]; of: string; limits?: Partial<Limits>; ok: boolean}>

const a = primary('a', {
  lsn: '0/3000100',
  senders: [row('b', {syncState: 'sync'}), row('c', {syncState: 'async'}), row('q', {syncState: 'quorum'})],
})
const b = standby('b', {of: 'a', lsn: '0/3000100'})
const c = standby('c', {of: 'a', lsn: '0/3000000', receiver: {latestEndLsn: '0/3000100'}, lastReplayAgeMs: 2_000})
const q = standby('q', {of: 'a', lsn: '0/3000100'})
const all = [a, b, c, q]
const rivals = [a, primary('b', {timeline: 2}), c]
const old = [a, standby('b', {timeline: 2}), c]
const readOnly = [primary('a', {readOnly: true}), b]
const drainedOne = [primary('a', {more: drained}), b]
/** `b`, an hour behind on purpose. */
function delayed(word: 'read' | null = null): HostRecord {
  const settings = {...hostSettings('b'), delayed: word}
  return standby('b', {of: 'a', lsn: '0/3000100', applyDelayMs: 3_600_000, more: {settings}})
}
const down = [failing('a'), b, c]

/** What both of two words for one predicate must say. */
const routed: readonly Row[] = [
  {given: 'the routed primary', when: all, of: 'a', ok: true},
  {given: 'a standby', when: all, of: 'b', ok: false},
  {given: 'a rival', when: rivals, of: 'a', ok: false},
  {given: 'the other rival', when: rivals, of: 'b', ok: false},
  {given: 'an old primary', when: old, of: 'a', ok: false},
  {given: 'a drained primary', when: drainedOne, of: 'a', ok: false},
  {given: 'one that is down', when: down, of: 'a', ok: false},
  {given: 'not everybody asked yet', when: [a, unasked('b')], of: 'a', ok: false},
]

const replica: readonly Row[] = [
  {given: 'a standby', when: all, of: 'b', ok: true},
  {given: 'the primary', when: all, of: 'a', ok: false},
  {given: 'a drained standby', when: [a, standby('b', {of: 'a', more: drained})], of: 'b', ok: false},
  {given: 'one that is down', when: [a, failing('b')], of: 'b', ok: false},
  {given: 'without a primary', when: down, of: 'b', ok: true},
  {given: 'in a split brain', when: rivals, of: 'c', ok: true},
  {given: 'a rival of it', when: rivals, of: 'b', ok: false},
  {given: 'beside an old primary', when: old, of: 'b', ok: true},
  {given: 'not everybody asked yet', when: [b, unasked('a')], of: 'b', ok: false},
  {given: 'a timeline behind the primary', when: [primary('a', {timeline: 2}), standby('b')], of: 'b', ok: false},
  {given: 'a timeline that cannot be told', when: [a, standby('b', {timeline: null})], of: 'b', ok: false},
  {
    given: 'a timeline behind, but streaming from it already',
    when: [primary('a', {timeline: 2}), standby('b', {of: 'a'})],
    of: 'b',
    ok: true,
  },
  {given: 'a delayed standby', when: [a, delayed()], of: 'b', ok: false},
  {given: 'a delayed standby without a primary', when: [failing('a'), delayed()], of: 'b', ok: false},
  {given: 'a delayed standby whose host says that readers get it', when: [a, delayed('read')], of: 'b', ok: true},
  {
    given: 'a delay of nothing, which is none',
    when: [a, standby('b', {of: 'a', applyDelayMs: 0})],
    of: 'b',
    ok: true,
  },
  {given: 'within a limit of bytes', when: all, of: 'c', limits: {lagBytes: 256}, ok: true},
  {given: 'beyond a limit of bytes', when: all, of: 'c', limits: {lagBytes: 255}, ok: false},
  {given: 'within a limit of time', when: all, of: 'c', limits: {lagMs: 2_000}, ok: true},
  {given: 'beyond a limit of time', when: all, of: 'c', limits: {lagMs: 1_999}, ok: false},
  {given: 'nothing behind', when: all, of: 'b', limits: {lagBytes: 0, lagMs: 0}, ok: true},
  {
    given: 'unknown lag, the widest limit of bytes',
    when: [a, standby('b')],
    of: 'b',
    limits: {lagBytes: 1e15},
    ok: false,
  },
  {given: 'unknown lag, the widest limit of time', when: [a, standby('b')], of: 'b', limits: {lagMs: 1e15}, ok: false},
  {
    given: 'ahead of the primary: diverged',
    when: [a, standby('b', {of: 'a', lsn: '0/4000000', ageMs: 20})],
    of: 'b',
    limits: {lagBytes: 1e15},
    ok: false,
  },
  {given: 'lag without a primary', when: down, of: 'b', limits: {lagBytes: 1e15}, ok: false},
  {
    given: 'the replication state that was asked for',
    when: all,
    of: 'b',
    limits: {replicationState: 'streaming'},
    ok: true,
  },
  {given: 'another replication state', when: all, of: 'b', limits: {replicationState: 'catchup'}, ok: false},
  {
    given: 'an unknown replication state',
    when: [primary('a'), b],
    of: 'b',
    limits: {replicationState: 'streaming'},
    ok: false,
  },
]

const sync: readonly Row[] = [
  {given: 'a synchronous standby', when: all, of: 'b', ok: true},
  {given: 'an asynchronous one', when: all, of: 'c', ok: false},
  {given: 'one of a quorum', when: all, of: 'q', ok: false},
  {given: 'the primary', when: all, of: 'a', ok: false},
  {
    given: 'a state from the row of a host that is out of sight',
    when: [
      primary('a', {
        ageMs: 10,
        senders: a.observation?.kind === 'facts' ? a.observation.facts.senders : [],
        more: {knock: {cause: 'hung', detail: ''}},
      }),
      b,
      c,
    ],
    of: 'b',
    ok: false,
  },
]
const async: readonly Row[] = [
  {given: 'an asynchronous standby', when: all, of: 'c', ok: true},
  {given: 'a synchronous one', when: all, of: 'b', ok: false},
  {given: 'an unknown sync state', when: [primary('a'), b], of: 'b', ok: false},
]
const orRouted = (rows: readonly Row[]): readonly Row[] => [
  ...rows.filter(({of}) => of !== 'a'),
  {given: 'the routed primary', when: all, of: 'a', ok: true},
  {given: 'a primary that is not routed to', when: drainedOne, of: 'a', ok: false},
  {given: 'a rival', when: rivals, of: 'a', ok: false},
]
const outside = standby('b', {of: 'elsewhere'})

/** Keyed by predicate: complete by type. */
const table: Record<Predicate, readonly Row[]> = {
  primary: routed,
  leader: routed,
  'read-write': [...routed, {given: 'a read-only primary', when: readOnly, of: 'a', ok: false}],
  replica,
  'read-only': orRouted(replica),
  sync,
  synchronous: sync,
  async,
  asynchronous: async,
  'read-only-sync': orRouted(sync),
  quorum: [
    {given: 'one of a quorum', when: all, of: 'q', ok: true},
    {given: 'a synchronous one', when: all, of: 'b', ok: false},
  ],
  'read-only-quorum': orRouted([{given: 'one of a quorum', when: all, of: 'q', ok: true}]),
  'standby-leader': [
    {
      given: 'it follows a host outside and is followed inside',
      when: [outside, standby('c', {of: 'b'})],
      of: 'b',
      ok: true,
    },
    {given: 'nobody follows it', when: [outside, standby('c')], of: 'b', ok: false},
    {given: 'it follows a host inside', when: all, of: 'b', ok: false},
    {
      given: 'it follows a host inside that is down',
      when: [failing('a', 'timeout'), b, standby('c', {of: 'b'})],
      of: 'b',
      ok: false,
    },
    {
      given: 'it does not stream',
      when: [standby('b', {of: 'elsewhere', receiver: {status: 'starting'}}), standby('c', {of: 'b'})],
      of: 'b',
      ok: false,
    },
    {
      given: 'drained',
      when: [standby('b', {of: 'elsewhere', more: drained}), standby('c', {of: 'b'})],
      of: 'b',
      ok: false,
    },
    {given: 'a primary', when: all, of: 'a', ok: false},
  ],
  health: [
    {given: 'a primary', when: rivals, of: 'a', ok: true},
    {given: 'a standby', when: all, of: 'b', ok: true},
    {given: 'one that is down', when: down, of: 'a', ok: false},
    {given: 'one that was not asked', when: [unasked('a')], of: 'a', ok: false},
  ],
}

for (const [predicate, rows] of Object.entries(table))
  describe(predicate, () => {
    for (const {given, when, of, limits = {}, ok} of rows)
      test(`given ${given}: ${ok ? 'holds' : 'does not'}`, () => {
        const snapshot = snapshotOf(assessed(when))
        const host = snapshot.hosts[of]
        if (host === undefined) throw new Error(`no ${of}`)
        const holding = eligibilityOf(predicate as Predicate, snapshot, host, {...noLimits, ...limits})
        expect(holding.ok, holding.why).toBe(ok)
        expect(holding.why).not.toBe('')
      })
  })

describe('a host in several groups', () => {
  const one = assessed([a, b], {name: 'one'})
  const two = assessed([a, primary('z')], {name: 'two'})
  const ask = (predicate: Predicate, host: string, ...groups: GroupAssessment[]) => {
    const snapshot = snapshotOf(...groups)
    const state = snapshot.hosts[host]
    return state && eligibilityOf(predicate, snapshot, state, noLimits).ok
  }
  test('is routed to where each of them routes to it', () => {
    expect(ask('primary', 'a', one)).toBe(true)
    expect(ask('primary', 'a', one, two)).toBe(false)
    expect(ask('primary', 'a', one, assessed([a], {name: 'two'}))).toBe(true)
  })
  test('is a replica where each of them has it as one', () => {
    const newer = assessed([primary('z', {timeline: 2}), standby('y', {of: 'z', timeline: 2}), b], {name: 'two'})
    expect(ask('replica', 'b', one)).toBe(true)
    expect(ask('replica', 'b', one, newer)).toBe(false)
  })
  test('is shown in all of them; in none it is never offered', () => {
    const snapshot = snapshotOf(one, two)
    expect(snapshot.hosts.a?.groups).toEqual(['one', 'two'])
    const state = snapshot.hosts.a
    if (state) expect(eligibilityOf('primary', snapshot, {...state, groups: []}, noLimits).ok).toBe(false)
    const reader = snapshot.hosts.b
    if (reader) expect(eligibilityOf('replica', snapshot, {...reader, groups: []}, noLimits).ok).toBe(false)
  })
})

test('read_fallback any offers no delayed standby, unless its host says so', () => {
  const offered = (...records: readonly HostRecord[]) =>
    eligibleHosts({
      role: 'replica',
      hosts: ['a', 'b', 'c'],
      snapshot: snapshotOf(assessed(records)),
      fallback: () => 'any',
      limits: {...noLimits, lagBytes: 0},
    })
  const late = standby('c', {of: 'a', lsn: '0/2000000'})
  expect(offered(failing('a'), delayed(), late)).toEqual(['c'])
  expect(offered(failing('a'), delayed('read'), late)).toEqual(['b', 'c'])
})
