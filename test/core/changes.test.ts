import {describe, expect, test} from 'vitest'
import {changesOfHost} from '../../src/core/changes.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {HostState} from '../../src/core/snapshot.ts'
import {assessHost} from '../../src/core/verdict/assessment.ts'
import {assessed} from '../support/assessed.ts'
import {drained, failing, MAX_AGE, NOW, OURS, primary, standby} from '../support/records.ts'

const [a, b] = [primary('a'), standby('b', {of: 'a'})]
const known = {systemIdentifier: OURS}

const between = (before: readonly HostRecord[], after: readonly HostRecord[], settings = {}) => {
  const past = assessed(before, {settings, memory: known})
  return assessed(after, {settings, past, wall: 5}).changes.map(({kind, to, host}) => [kind, to, host])
}

describe('a verdict is news', () => {
  test('when its kind changes', () =>
    expect(between([a, b], [failing('a'), b])).toEqual([['verdict', 'no-primary', null]]))
  test('when another host is routed to', () =>
    expect(between([a, standby('b')], [standby('a'), primary('b', {timeline: 2})])).toEqual([
      ['verdict', 'primary', 'b'],
    ]))
  test('when it is drained', () =>
    expect(between([a, b], [primary('a', {more: drained}), b])).toEqual([['verdict', 'primary', 'a']]))
  test('when another sole primary is not routed to either', () => {
    const settings = {confirm: ['no-such-source']}
    expect(between([a, standby('b')], [standby('a'), primary('b')], settings)).toEqual([
      ['verdict', 'unconfirmed', 'b'],
    ])
  })
  test('when the situation changes, which it names', () => {
    const past = assessed([primary('a', {timeline: 2}), failing('b')], {memory: known})
    const {changes} = assessed([primary('a', {timeline: 2}), standby('b', {lsn: '0/4000000'})], {past})
    expect(changes).toMatchObject([{kind: 'verdict', from: 'primary', to: 'primary', situation: 'lossy-promotion'}])
  })
  test('when another rival joins', () => {
    const changes = between([a, primary('b'), standby('c')], [a, primary('b'), primary('c')])
    expect(changes).toEqual([['verdict', 'split-brain', null]])
  })
  test('when the suspect becomes clear', () => {
    const two = [a, primary('b', {timeline: 2})]
    expect(between([...two, standby('c')], [...two, standby('c', {of: 'b', timeline: 2})])).toEqual([
      ['verdict', 'split-brain', null],
    ])
  })
  test('not when positions, ages and words move', () => {
    expect(between([a, b], [primary('a', {lsn: '0/4000000', ageMs: 1}), b])).toEqual([])
    expect(between([a, b], [a, failing('b')])).toEqual([])
  })
  test('and it is as old as it has been so', () => {
    const past = assessed([a, b], {wall: 1})
    expect(past.state.verdict.since).toBe(1)
    const same = assessed([a, failing('b')], {past, wall: 2})
    expect(same.state.verdict.since).toBe(1)
    expect(assessed([failing('a'), b], {past: same, wall: 3}).state.verdict.since).toBe(3)
  })
})

test('the verdict keeps its since while evidence, reasons, standbys and positions change', () => {
  const settings = {confirm: ['followers'], onSilent: 'ignore'} as const
  const past = assessed([a, b], {settings, wall: 1})
  expect(past.state.verdict).toMatchObject({rule: 'V4', since: 1})
  const hidden = standby('b', {of: 'a', receiver: {status: null}})
  const after = assessed([primary('a', {lsn: '0/9000000'}), hidden], {settings, past, wall: 2})
  expect(after.changes.map(({kind}) => kind)).toEqual(['evidence'])
  expect(after.state.verdict.why).not.toBe(past.state.verdict.why)
  expect(after.state.verdict).toMatchObject({rule: 'V4', since: 1})
})

test('a required source that changes its answer is news; one that is only shown is not', () => {
  const settings = {confirm: ['followers']}
  expect(between([a, b], [a, standby('b')], settings)).toContainEqual(['evidence', 'denies', 'a'])
  expect(between([a, b], [a, standby('b')])).toEqual([])
})

const shown = (record: HostRecord, before: HostState | undefined, wall: number) =>
  assessHost({host: record.settings.name, through: [assessed([record])], before, availabilityOn: false, wall})?.state

describe('a host', () => {
  const state = (record: HostRecord) => shown(record, undefined, 0)
  const news = (before: HostRecord, after: HostRecord) => {
    const [was, is] = [state(before), state(after)]
    return is ? changesOfHost(was, is).map(({kind, from, to}) => [kind, from, to]) : []
  }
  test('its role', () => expect(news(a, failing('a'))).toEqual([['role', 'primary', 'unavailable']]))
  test('its cause', () =>
    expect(news(failing('a'), failing('a', 'timeout'))).toEqual([['role', 'unavailable', 'unavailable']]))
  test('a drain', () => expect(news(a, primary('a', {more: drained}))).toEqual([['drain', 'in rotation', 'drained']]))
  test('a resume', () => expect(news(primary('a', {more: drained}), a)).toEqual([['drain', 'drained', 'in rotation']]))
  test('nothing else', () => expect(news(a, primary('a', {lsn: '0/9', timeline: 2}))).toEqual([]))
  test('a new one is no news', () =>
    expect(changesOfHost(undefined, state(a) as NonNullable<ReturnType<typeof state>>)).toEqual([]))
  test('is as old as its role and cause', () => {
    const before = shown(a, undefined, 1)
    expect(shown(primary('a', {lsn: '0/9'}), before, 2)?.since).toBe(1)
    expect(shown(standby('a'), before, 3)?.since).toBe(3)
  })
})

describe('an assessment is good until', () => {
  test('the first of its answers goes stale', () => {
    expect(assessed([primary('a', {ageMs: 100}), standby('b', {ageMs: 700})]).freshUntil).toBe(NOW - 700 + MAX_AGE)
  })
  test('for ever, where nothing answers', () =>
    expect(assessed([failing('a')]).freshUntil).toBe(Number.POSITIVE_INFINITY))
  test('a hold ends', () => {
    const settings = {confirm: ['tool'], onSilent: {holdMs: 2_000}} as const
    const says = (answer: 'confirms' | 'silent') => ({
      tool: () => ({subject: 'a', answer, why: '', askedAt: NOW - 500}),
    })
    const past = assessed([a, b], {settings, sources: says('confirms')})
    expect(past.freshUntil).toBe(NOW - 10 + MAX_AGE)
    expect(assessed([a, b], {settings, past, sources: says('silent')}).freshUntil).toBe(NOW - 500 + 2_000)
  })
})
