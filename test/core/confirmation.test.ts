import {describe, expect, test} from 'vitest'
import type {SourceAnswer} from '../../src/core/evidence/evidence-source.ts'
import {assessMajority} from '../../src/core/evidence/majority.ts'
import {failing, judgementOf, memberIn, NOW, OURS, primary, standby, type Trial, viewOf} from '../support/records.ts'

const hosts = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const says = (answer: SourceAnswer['answer'], askedAt: number | null = NOW - 1_000, subject = 'a') => ({
  tool: () => ({subject, answer, why: 'it says so', askedAt}),
})
const holding = {confirm: ['tool'], onSilent: {holdMs: 10_000}} as const

describe('majority', () => {
  const answer = (...records: Parameters<typeof viewOf>[0]) => {
    const view = viewOf(records, OURS)
    return assessMajority(memberIn(view, 'a'), view, 5_000).answer
  }
  test('not where a standby still hears from a host that is out of sight', () => {
    const group = [primary('a', {timeline: 2}), standby('b', {timeline: 2, of: 'a'}), standby('c', {of: 'd'})]
    expect(answer(...group, failing('d', 'timeout'))).toBe('denies')
    expect(answer(...group, standby('d'))).toBe('confirms')
    const quiet = standby('c', {of: 'd', receiver: {lastMessageAgeMs: 5_001}})
    expect(answer(...group.slice(0, 2), quiet, failing('d', 'timeout'))).toBe('confirms')
  })
  test('not where a standby hears from a stranger, on another timeline', () => {
    const group = [primary('a', {timeline: 2}), standby('b', {timeline: 2, of: 'a'})]
    expect(answer(...group, standby('c', {timeline: 3, of: '10.9.9.9'}))).toBe('denies')
    expect(answer(...group, standby('c', {timeline: 2, of: '10.9.9.9'}))).toBe('confirms')
  })
  test('two of three', () => expect(answer(primary('a'), standby('b'), failing('c'))).toBe('confirms'))
  test('one of two is not more than half', () => expect(answer(primary('a'), failing('b'))).toBe('denies'))
  test('two of four is not more than half', () =>
    expect(answer(primary('a'), standby('b'), failing('c'), failing('d'))).toBe('denies'))
  test('a stale answer is none', () =>
    expect(answer(primary('a'), standby('b', {ageMs: 3_001}), failing('c'))).toBe('denies'))
  test('a stranger does not answer for us', () =>
    expect(answer(primary('a'), standby('b'), standby('d', {cluster: '1'}), failing('c'))).toBe('denies'))
  test('two names of one server answer once', () =>
    expect(answer(primary('a'), primary('b', {more: {duplicateOf: 'a'}}), failing('c'))).toBe('denies'))
  test('drained hosts answer', () =>
    expect(
      answer(primary('a'), standby('b', {more: {drained: {since: 0, by: 'jane', reason: null}}}), failing('c')),
    ).toBe('confirms'))
})

describe('on_silent: hold', () => {
  const confirmed = (askedAt: number | null = NOW - 1_000) =>
    judgementOf({hosts, settings: holding, sources: says('confirms', askedAt)}).held
  const later = (ms: number, trial: Partial<Trial> = {}) => {
    const shifted = hosts.map((host) => ({
      ...host,
      observation: host.observation && {...host.observation, askedAt: NOW + ms - 10},
    }))
    return judgementOf({
      hosts: shifted,
      settings: holding,
      sources: says('silent'),
      held: confirmed(),
      now: NOW + ms,
      ...trial,
    }).verdict.rule
  }
  const moved = (change: (record: (typeof hosts)[number], index: number) => object) => ({
    hosts: hosts.map(
      (host, index) =>
        ({
          ...host,
          observation: {...host.observation, askedAt: NOW + 490},
          ...change(host, index),
        }) as (typeof hosts)[number],
    ),
  })

  test('silence stands on the last confirmation', () => expect(later(500)).toBe('V4'))
  test('until the hold ends, counted from the question that was confirmed', () => {
    expect(later(9_000)).toBe('V4')
    expect(later(9_001)).toBe('V3')
  })
  test('but not without one', () => expect(later(500, {held: {}})).toBe('V3'))
  test('nor for a denial', () => expect(later(500, {sources: says('denies')})).toBe('V3'))
  test('nor for what the hosts say themselves', () => {
    const settings = {confirm: ['followers'], onSilent: {holdMs: 10_000}} as const
    const {held} = judgementOf({hosts, settings})
    expect(Object.keys(held)).toEqual(['followers'])
    const quiet = {of: 'a', receiver: {lastMessageAgeMs: 9_000}} as const
    expect(
      judgementOf({hosts: [primary('a'), standby('b', quiet), standby('c', quiet)], settings, held}).verdict.rule,
    ).toBe('V3')
  })
  test('it ends with another follower', () =>
    expect(
      later(
        500,
        moved((_, index) => (index === 2 ? standby('c', {ageMs: -490}) : {})),
      ),
    ).toBe('V3'))
  test('it ends with another role', () =>
    expect(
      later(
        500,
        moved((_, index) => (index === 2 ? failing('c') : {})),
      ),
    ).toBe('V3'))
  test('it ends with another session of the primary', () =>
    expect(
      later(
        500,
        moved((_, index) => (index === 0 ? primary('a', {ageMs: -490, session: {backendPid: 2}}) : {})),
      ),
    ).toBe('V3'))
  test('it ends with another timeline', () =>
    expect(
      later(
        500,
        moved((_, index) => (index === 0 ? primary('a', {ageMs: -490, timeline: 2}) : {})),
      ),
    ).toBe('V3'))
  test('and a hold that ended does not come back by itself', () => {
    const {held} = judgementOf({hosts, settings: holding, sources: says('denies'), held: confirmed()})
    expect(judgementOf({hosts, settings: holding, sources: says('silent'), held}).verdict.rule).toBe('V3')
  })
  test('it survives a moment under V0', () => {
    const stale = [hosts[0] ?? primary('a'), standby('b', {of: 'a', ageMs: 9_000})]
    const {held} = judgementOf({hosts: stale, settings: holding, held: confirmed()})
    expect(Object.keys(held)).toEqual(['tool'])
  })
  test('it does not survive a moment without a primary', () => {
    const {held} = judgementOf({
      hosts: [failing('a'), standby('b')],
      settings: holding,
      sources: says('confirms'),
      held: confirmed(),
    })
    expect(held).toEqual({})
  })
})

describe('evidence', () => {
  test('a source that names a leader which is in recovery contradicts SQL, and that is shown', () => {
    const {evidence} = judgementOf({hosts, settings: {confirm: ['tool']}, sources: says('denies', null, 'b')})
    expect(evidence).toMatchObject([{source: 'tool', subject: 'b', contradictsSql: true, required: true}])
  })
  test('a source that names a host which is down does not', () => {
    const {evidence} = judgementOf({
      hosts: [primary('a'), failing('b')],
      settings: {confirm: ['tool']},
      sources: says('denies', null, 'b'),
    })
    expect(evidence).toMatchObject([{contradictsSql: false}])
  })
  test('what is only shown is asked too, after what is required, and once', () => {
    const {evidence} = judgementOf({
      hosts,
      settings: {confirm: ['tool']},
      sources: says('confirms'),
      shown: ['tool', 'majority'],
    })
    expect(evidence.map(({source, required}) => [source, required])).toEqual([
      ['tool', true],
      ['majority', false],
    ])
  })
})
