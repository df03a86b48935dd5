import {describe, expect, test} from 'vitest'
import {latencyMs, withSample} from '../../src/connector/policy/latency.ts'
import {offerOf} from '../../src/connector/policy/offer.ts'
import {type Failed, maxLosses, outcomeOfRead, outcomeOfWrite} from '../../src/connector/policy/outcome.ts'
import {poolFate} from '../../src/connector/policy/pool-fate.ts'
import {type Candidate, chooseReader} from '../../src/connector/policy/reader-choice.ts'
import {isCleared} from '../../src/connector/policy/suspicion.ts'
import {noLimits} from '../../src/core/offers/eligibility.ts'
import {type Cause, causes} from '../../src/core/vocabulary.ts'
import {seededRandom} from '../support/seeded-random.ts'
import {drained, type HostDraft, primary, snapshot, standby, unavailable, unconfirmed} from '../support/snapshots.ts'

describe('who is offered', () => {
  const three = {host1: primary(), host2: standby(), host3: standby()}
  test.each([
    {given: 'a healthy group', hosts: three, writer: 'host1', standbys: ['host2', 'host3'], fallbacks: ['host1']},
    {
      given: 'a drained standby',
      hosts: {...three, host2: standby('host1', {drained})},
      writer: 'host1',
      standbys: ['host3'],
      fallbacks: ['host1'],
    },
    {
      given: 'a drained primary',
      hosts: {...three, host1: primary({drained})},
      writer: null,
      standbys: ['host2', 'host3'],
      fallbacks: [],
    },
    {
      given: 'a split brain: no writer, and the rivals serve no reads',
      hosts: {host1: primary(), host2: primary(), host3: standby()},
      writer: null,
      standbys: ['host3'],
      fallbacks: [],
    },
    {
      given: 'a standby beyond the limit',
      hosts: {...three, host2: standby('host1', {lagBytes: 2_000_000})},
      limits: {...noLimits, lagBytes: 1_000_000},
      writer: 'host1',
      standbys: ['host3'],
      fallbacks: ['host1'],
    },
    {
      given: 'a lag that is not known, and a limit',
      hosts: {...three, host2: standby('host1', {lagBytes: null})},
      limits: {...noLimits, lagBytes: 1_000_000},
      writer: 'host1',
      standbys: ['host3'],
      fallbacks: ['host1'],
    },
    {
      given: 'no fallback',
      hosts: {host1: primary(), host2: unavailable(), host3: unavailable()},
      fallback: 'none',
      writer: 'host1',
      standbys: [],
      fallbacks: [],
    },
    {
      given: 'any fallback, without a primary and beyond the limit',
      hosts: {host1: unavailable(), host2: standby('host1', {lagBytes: null}), host3: standby('host1', {drained})},
      limits: {...noLimits, lagBytes: 1},
      fallback: 'any',
      writer: null,
      standbys: [],
      fallbacks: ['host2'],
    },
  ] as const)('given $given', ({hosts, writer, standbys, fallbacks, ...rest}) => {
    const {limits = noLimits, fallback = 'primary'} = rest as {limits?: typeof noLimits; fallback?: 'primary'}
    const offer = offerOf(snapshot({hosts: hosts as Record<string, HostDraft>}), {group: 'all', limits, fallback})
    expect({...offer, standbys: offer.standbys.map(({host}) => host)}).toEqual({writer, standbys, fallbacks})
  })

  test('an unconfirmed primary is no writer, and serves no reads', () => {
    const unsure = snapshot({hosts: {host1: primary(), host2: unavailable()}, verdict: unconfirmed('host1')})
    expect(offerOf(unsure, {group: 'all', limits: noLimits, fallback: 'primary'})).toEqual({
      writer: null,
      standbys: [],
      fallbacks: [],
    })
    expect(offerOf(unsure, {group: 'gone', limits: noLimits, fallback: 'primary'}).writer).toBeNull()
  })
})

describe('the choice of a reader', () => {
  const candidate = (name: string, special: Partial<Candidate> = {}): Candidate => ({
    name,
    location: null,
    inFlight: 0,
    latencyMs: 1,
    ...special,
  })
  const shares = (candidates: readonly Candidate[], choose: 'least-busy' | 'random' | 'fastest', location?: string) => {
    const random = seededRandom(7)
    const counts: Record<string, number> = {}
    for (let index = 0; index < 3_000; index += 1) {
      const name = chooseReader(candidates, {choose, location: location ?? null, random}) ?? 'none'
      counts[name] = (counts[name] ?? 0) + 1
    }
    return counts
  }

  test('none of none', () => {
    for (const choose of ['least-busy', 'random', 'fastest'] as const)
      expect(chooseReader([], {choose, location: null, random: () => 0})).toBeNull()
  })

  test('least-busy: the fewest in flight, by chance among equals', () => {
    const counts = shares([candidate('a', {inFlight: 2}), candidate('b'), candidate('c')], 'least-busy')
    expect(counts.a).toBeUndefined()
    expect(Math.min(counts.b ?? 0, counts.c ?? 0)).toBeGreaterThan(1_200)
  })

  test('random: the same share for each', () => {
    const counts = shares([candidate('a', {inFlight: 9}), candidate('b'), candidate('c')], 'random')
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(800)
  })

  test('fastest: a slow host gets little, and one that was not measured is tried', () => {
    const slow = shares([candidate('a', {latencyMs: 50}), candidate('b'), candidate('c')], 'fastest')
    expect(slow.a).toBeUndefined()
    const fresh = shares([candidate('a', {latencyMs: null}), candidate('b'), candidate('c')], 'fastest')
    expect(fresh.a).toBeGreaterThan(1_500)
    const busy = shares([candidate('a', {latencyMs: 1, inFlight: 9}), candidate('b', {latencyMs: 5})], 'fastest')
    expect(busy).toEqual({b: 3_000})
  })

  test('a location comes first, while a host is there', () => {
    const hosts = [candidate('a', {location: 'west', inFlight: 9}), candidate('b', {location: 'east'})]
    expect(shares(hosts, 'least-busy', 'west')).toEqual({a: 3_000})
    expect(shares(hosts, 'least-busy', 'north')).toEqual({b: 3_000})
  })
})

test('latency: a moving average that is forgotten, so that a host that is shunned is tried again', () => {
  const first = withSample(null, 100, 0)
  const second = withSample(first, 0, 1_000)
  expect(latencyMs(second, 1_000)).toBe(90)
  expect(latencyMs(second, 11_001)).toBeNull()
  expect(withSample(second, 5, 11_001)).toEqual({ms: 5, at: 11_001})
})

test('a suspicion ends with an answer that was asked for after it, and with nothing else', () => {
  const suspicion = {at: 1_000, error: new Error('lost')}
  const host = (askedAt: number, draft = standby()) => snapshot({hosts: {a: {...draft, askedAt} as HostDraft}}).hosts.a
  expect(isCleared(suspicion, host(999))).toBe(false)
  expect(isCleared(suspicion, host(1_000))).toBe(false)
  expect(isCleared(suspicion, host(1_001))).toBe(true)
  expect(isCleared(suspicion, host(1_001, unavailable()))).toBe(false)
  expect(isCleared(suspicion, undefined)).toBe(false)
})

describe('what becomes of a statement that failed', () => {
  const connecting = (special: Partial<Failed & {phase: 'connecting'}>): Failed => ({
    phase: 'connecting',
    sqlstate: null,
    errno: null,
    isCut: false,
    ...special,
  })
  const answered = (sqlstate: string, inHotStandby = false): Failed => ({phase: 'answered', sqlstate, inHotStandby})
  test.each([
    {given: 'refused', failed: connecting({errno: 'ECONNREFUSED'}), write: 'repeat', read: 'suspect'},
    {given: 'name not found', failed: connecting({errno: 'ENOTFOUND'}), write: 'repeat', read: 'suspect'},
    {given: 'a server that starts', failed: connecting({sqlstate: '57P03'}), write: 'repeat', read: 'suspect'},
    {given: 'a server that stops', failed: connecting({sqlstate: '57P01'}), write: 'repeat', read: 'suspect'},
    {given: 'no room', failed: connecting({sqlstate: '53300'}), write: 'repeat', read: 'avoid'},
    {given: 'cut while connecting', failed: connecting({isCut: true}), write: 'repeat', read: 'suspect'},
    {given: 'no password', failed: connecting({}), write: 'pass-on', read: 'refused'},
    {given: 'a wrong password', failed: connecting({sqlstate: '28P01'}), write: 'pass-on', read: 'refused'},
    {given: 'no such database', failed: connecting({sqlstate: '3D000'}), write: 'pass-on', read: 'refused'},
    {
      given: 'a pooler that refuses options',
      failed: connecting({sqlstate: '08P01'}),
      write: 'pass-on',
      read: 'refused',
    },
    {
      given: 'a certificate',
      failed: connecting({errno: 'ERR_TLS_CERT_ALTNAME_INVALID', isCut: true}),
      write: 'pass-on',
      read: 'refused',
    },
    {given: 'a value that cannot be sent', failed: {phase: 'refused-by-driver'}, write: 'pass-on', read: 'pass-on'},
    {given: 'lost before a byte', failed: {phase: 'lost-unsent'}, write: 'repeat', read: 'suspect'},
    {given: 'lost after a byte', failed: {phase: 'lost'}, write: 'unknown', read: 'suspect'},
    {given: 'a limit of the driver', failed: {phase: 'abandoned'}, write: 'unknown', read: 'pass-on'},
    {given: 'refused by a standby', failed: answered('25006', true), write: 'repeat', read: 'pass-on'},
    {given: 'refused by a read-only primary', failed: answered('25006'), write: 'pass-on', read: 'pass-on'},
    {given: 'a recovery conflict', failed: answered('40001', true), write: 'pass-on', read: 'avoid'},
    {given: 'a deadlock', failed: answered('40P01'), write: 'pass-on', read: 'avoid'},
    {given: 'cancelled', failed: answered('57014'), write: 'pass-on', read: 'pass-on'},
    {given: 'a duplicate key', failed: answered('23505'), write: 'pass-on', read: 'pass-on'},
  ] as const)('$given: a write is $write, a read is $read', ({failed, write, read}) => {
    expect([outcomeOfWrite(failed), outcomeOfRead(failed, 0)]).toEqual([write, read])
  })

  test('a read that loses every connection gives up, so that it does not end every server', () => {
    const lost: Failed = {phase: 'lost'}
    expect([0, 1, 2].map((losses) => outcomeOfRead(lost, losses))).toEqual(['suspect', 'suspect', 'give-up'])
    expect(maxLosses).toBe(3)
  })
})

describe('what becomes of the connections to a host', () => {
  const host = (draft: HostDraft) => snapshot({hosts: {a: draft}}).hosts.a
  const usual = {name: 'a', isOnline: true, writer: null} as const
  test.each([
    {given: 'a standby', draft: standby(), read: 'keep', write: 'keep'},
    {given: 'a drained standby', draft: standby('b', {drained}), read: 'retire', write: 'retire'},
    {given: 'a drained primary', draft: primary({drained}), read: 'retire', write: 'retire'},
  ] as const)('$given: reads $read, writes $write', ({draft, read, write}) => {
    expect(poolFate({...usual, kind: 'read', host: host(draft)})).toBe(read)
    expect(poolFate({...usual, kind: 'write', host: host(draft)})).toBe(write)
  })

  const reads: Record<Cause, 'keep' | 'retire' | 'cut'> = {
    refused: 'cut',
    timeout: 'cut',
    closed: 'cut',
    hung: 'cut',
    'not-accepting': 'retire',
    'foreign-cluster': 'retire',
    duplicate: 'retire',
    // Of these the monitor learns nothing about the sessions of the application.
    stale: 'keep',
    auth: 'keep',
    tls: 'keep',
    dns: 'keep',
    'too-many-connections': 'keep',
    error: 'keep',
  }
  test.each(causes)('unavailable by %s', (cause) => {
    const unreachable = host(unavailable(cause))
    expect(poolFate({...usual, kind: 'read', host: unreachable})).toBe(reads[cause])
    // Until another host is routed to, the writer may still answer.
    expect(poolFate({...usual, kind: 'write', host: unreachable})).toBe('keep')
    expect(poolFate({...usual, kind: 'write', host: unreachable, writer: 'a'})).toBe('keep')
    expect(poolFate({...usual, kind: 'write', host: unreachable, writer: 'b'})).toBe('cut')
  })

  test('switched off by the application, or no longer configured: retired', () => {
    expect(poolFate({...usual, kind: 'read', host: host(standby()), isOnline: false})).toBe('retire')
    expect(poolFate({...usual, kind: 'write', host: host(primary()), isOnline: false, writer: 'a'})).toBe('retire')
    expect(poolFate({...usual, kind: 'read', host: undefined})).toBe('retire')
  })
})
