import {describe, expect, test} from 'vitest'
import {
  beginning,
  type Decision,
  decide,
  type GuardRule,
  next,
  type Others,
  type Standing,
} from '../../src/actuators/guard/plan.ts'
import {answersCountFor, shortestLease, shut} from '../../src/core/node/guard-settings.ts'

const now = 100_000
const healthy: Standing = {
  own: 'primary',
  primaries: ['host1'],
  agreed: {primary: 'host1', askedAt: now - 200},
  why: '3 of 3 name host1',
}
const decided = (standing: Partial<Standing>, allowReadOnly = true): Decision =>
  decide({standing: {...healthy, ...standing}, host: 'host1', allowReadOnly, now, leaseMs: 5_000})

const open = {readWrite: 'allow', readOnly: 'allow'}
const readers = {readWrite: 'deny', readOnly: 'allow'}
const standby: Partial<Standing> = {
  own: 'standby',
  primaries: ['host2'],
  agreed: {primary: 'host2', askedAt: now - 200},
}

/** Keyed by rule: a rule of one pass without a row does not compile. */
const table: Record<
  Exclude<GuardRule, 'G7' | 'G8' | 'G9' | 'G10'>,
  readonly {given: string; when: Partial<Standing>; gates: object; noReaders?: boolean}[]
> = {
  G1: [{given: 'a majority and its own word name this host', when: {}, gates: open}],
  G2: [
    {given: 'a majority names another host, and this one is a standby', when: standby, gates: readers},
    {given: 'the same, and readers are not for standbys', when: standby, gates: shut, noReaders: true},
  ],
  G3: [{given: 'its own PostgreSQL is silent, whatever the majority says', when: {own: 'silent'}, gates: shut}],
  G4: [{given: 'two primaries', when: {primaries: ['host1', 'host2']}, gates: shut}],
  G5: [
    {given: 'no majority', when: {agreed: null}, gates: shut},
    {given: 'a majority that names this host, which is a standby', when: {own: 'standby'}, gates: shut},
    {
      given: 'a majority that names another host, while this one is a primary',
      when: {agreed: {primary: 'host2', askedAt: now}},
      gates: shut,
    },
  ],
  G6: [
    {given: 'questions older than the lease', when: {agreed: {primary: 'host1', askedAt: now - 5_000}}, gates: shut},
  ],
}

describe('the decision table', () => {
  for (const [rule, rows] of Object.entries(table))
    for (const {given, when, gates: expected, noReaders} of rows)
      test(`${rule}: given ${given}`, () => {
        const {gates, rule: found} = decided(when, !noReaders)
        expect({rule: found, gates}).toEqual({rule, gates: expected})
      })
})

test('an allow is a lease, which counts from when the question was sent', () => {
  expect(decided({}).until).toBe(now - 200 + 5_000)
  expect(decided(standby).until).toBe(now - 200 + 5_000)
  expect(decided({agreed: null}).until).toBeNull()
})

const leaseMs = 5_000
const answersCountMs = 2_000
const mostBetweenMs = 3_000
type Pass = Readonly<{decision: Decision; after?: number; others?: Others}>
const allShut = (shutAt: number | null): Others => ({shutAt, why: 'host2 is silent'})

/** Passes a second apart, each on newer answers; the other guards are silent unless told. */
function passing(...passes: readonly (Decision | Pass)[]) {
  let at = now
  let held = beginning('the guard starts')
  for (const pass of passes) {
    const {decision, after = 1_000, others = allShut(at)} = 'decision' in pass ? pass : {decision: pass}
    at += after
    const until = decision.until === null ? null : at + leaseMs - 200
    held = next(held, {...decision, until}, {now: at, leaseMs, answersCountMs, mostBetweenMs, others})
  }
  return held.decision
}

describe('from one pass to the next', () => {
  const allow = decided({})
  const deny = decided({agreed: null})
  const silent = {decision: allow, others: allShut(null)}

  test('a guard begins with deny', () => {
    expect(beginning('the guard starts').decision.gates).toEqual(shut)
  })
  test('deny to allow takes two agreeing passes', () => {
    expect(passing(allow)).toMatchObject({gates: shut, rule: 'G7', until: null})
    expect(passing(allow, allow)).toMatchObject({gates: open, rule: 'G1'})
    expect(passing(allow, deny, allow)).toMatchObject({gates: shut, rule: 'G7'})
  })
  test('allow to deny takes one', () => {
    expect(passing(allow, allow, deny)).toMatchObject({gates: shut, rule: 'G5'})
  })
  test('readers stay while writers wait for their second pass', () => {
    const reads = decided(standby)
    expect(passing(reads, reads, allow)).toMatchObject({gates: readers, rule: 'G7'})
    expect(passing(reads, reads, allow).until).not.toBeNull()
    expect(passing(reads, reads, allow, allow).gates).toEqual(open)
  })
  test('readers stay when writers are shut out', () => {
    expect(passing(allow, allow, decided(standby))).toMatchObject({gates: readers, rule: 'G2'})
  })

  describe('G10: an allow of another guard may still count', () => {
    const seven = Array.from({length: 7}, () => silent)
    test.each<[string, readonly (Decision | Pass)[], object]>([
      ['a guard is silent', [silent, silent], {gates: readers, rule: 'G10'}],
      ['a guard is silent for one lease and the age of answers', [...seven, silent], {gates: open, rule: 'G1'}],
      ['the same, a moment earlier', [...seven, {...silent, after: 999}], {rule: 'G10'}],
      ['all said "shut" when they were asked after the first pass', [silent, allow], {gates: open, rule: 'G1'}],
      ['all said "shut" before the first pass', [silent, {...silent, others: allShut(now + 999)}], {rule: 'G10'}],
      ['the agreement was lost in between', [...seven, deny, ...seven], {rule: 'G10'}],
      ['the guard was frozen in between', [silent, {...silent, after: 3_001}, ...seven.slice(1)], {rule: 'G10'}],
      ['the gate is open: it stays so', [allow, allow, silent, silent], {gates: open, rule: 'G1'}],
      ['the gate was open, and its lease has ended', [allow, allow, {...silent, after: 4_800}], {rule: 'G10'}],
    ])('%s', (_, passes, expected) => {
      expect(passing(...passes)).toMatchObject(expected)
    })
    test('readers do not wait', () => {
      expect(passing(silent, silent)).toMatchObject({gates: readers, until: expect.any(Number)})
    })
  })
})

test('what is allowed has ended within the lease, also where the next pass is the first to miss an answer', () => {
  const timing = {leaseMs: 5_000, intervalMs: 1_000, deadlineMs: 1_000}
  expect(answersCountFor(timing) + timing.intervalMs + timing.deadlineMs).toBeLessThanOrEqual(timing.leaseMs)
  expect(shortestLease(timing)).toBe(4_000)
  // An answer that must be there before the one before it has gone.
  const slow = {intervalMs: 1_000, deadlineMs: 3_000}
  expect(answersCountFor({...slow, leaseMs: shortestLease(slow)})).toBe(slow.intervalMs + slow.deadlineMs)
})
