import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {Decision} from '../../src/core/snapshot.ts'
import {acceptedIn} from '../../src/core/verdict/accepted.ts'
import {isAskingAgain} from '../../src/core/verdict/verdict.ts'
import {mayLoseWrites} from '../../src/core/verdict/verdict-kind.ts'
import {failing, judgementOf, OURS, primary, standby, type Trial, unasked, viewOf} from '../support/records.ts'

const refuse = {onLossyPromotion: 'refuse'} as const
const promoted = (lsn: string, ageMs = 10) => primary('a', {timeline: 2, lsn, ageMs})
const worse = [failing('old'), promoted('0/3000000'), standby('b', {lsn: '0/3000010'})]
/** What the judge carries on to the next judgement. */
const next = (trial: Trial, more: Partial<Trial> = {}): Trial => {
  const {memory, notes, verdict} = judgementOf(trial)
  return {...trial, memory, notes, before: verdict as Decision, ...more}
}
/** A process that knows no more than what was saved. */
const restarted = (trial: Trial, hosts: readonly HostRecord[]): Trial => ({
  ...trial,
  hosts,
  memory: JSON.parse(JSON.stringify(judgementOf(trial).memory)),
})
const accepting = (trial: Trial): Trial => {
  const {memory} = judgementOf(trial)
  return {...trial, memory: acceptedIn(memory, 'a', viewOf(trial.hosts, OURS))}
}
const told = {rule: 'V4', routedTo: 'a', situation: 'lossy-promotion'} as const
const refused = {rule: 'V3', kind: 'unconfirmed', primary: 'a', routedTo: null, situation: 'lossy-promotion'} as const
const healthy = {rule: 'V4', routedTo: 'a', situation: 'healthy'} as const

describe('S20: a standby holds WAL that the promoted primary lacked', () => {
  test('it is told, with the host, the bytes and what to do', () => {
    const {verdict} = judgementOf({hosts: worse})
    expect(verdict).toMatchObject(told)
    expect(verdict.why).toContain('b holds 16 bytes of timeline 1 that a lacked when it was promoted; save them before')
  })

  test('where on_lossy_promotion is refuse, the primary is refused, and the reason names the way out', () => {
    const {verdict} = judgementOf({hosts: worse, settings: refuse})
    expect(verdict).toMatchObject(refused)
    expect(verdict.why).toMatch(/b holds 16 bytes of timeline 1 .* run "pgroute66 accept a"$/)
  })

  test.each([
    ['as far as the primary was', standby('b', {lsn: '0/3000000'})],
    ['on the timeline of the primary', standby('b', {timeline: 2, lsn: '0/3000010'})],
    ['further, but only by replay', standby('b', {lsn: '0/3000010', receiveLsn: null})],
    ['of another cluster', standby('b', {lsn: '0/3000010', cluster: '1'})],
  ])('a standby %s proves nothing', (_, other) => {
    const hosts = [promoted('0/3000000'), other, standby('c', {timeline: 2, of: 'a'})]
    expect(judgementOf({hosts, settings: refuse}).verdict).toMatchObject(healthy)
  })

  test('the first word of the primary counts, not where it is now', () => {
    const first: Trial = {hosts: [promoted('0/3000000'), failing('b')], settings: refuse}
    const later = next(first, {hosts: [promoted('0/9000000'), standby('b', {lsn: '0/3000010'})]})
    expect(judgementOf(later).verdict).toMatchObject(refused)
  })

  test('also what it was beside a rival: a split brain that ended does not hide what was lost', () => {
    const split: Trial = {hosts: [primary('old', {lsn: '0/3000000'}), promoted('0/3000000'), standby('b', {of: 'old'})]}
    const stopped = failing('old', 'refused', {isStopping: true})
    const ended = next(split, {hosts: [stopped, promoted('0/9000000'), standby('b', {lsn: '0/3000010'})]})
    expect(judgementOf(ended).verdict).toMatchObject(told)
  })

  test('of several standbys, the one that holds most is named', () => {
    expect(judgementOf({hosts: [...worse, standby('c', {lsn: '0/3000020'})]}).verdict.why).toContain('c holds 32 bytes')
  })
})

describe('S20: it stays', () => {
  const lossy: Trial = {hosts: worse, settings: refuse}

  test.each([
    ['a restart', unasked('b')],
    ['the standby is away', failing('b', 'timeout')],
    ['the standby was started anew, and no longer tells what it received', standby('b', {receiveLsn: null})],
  ])('over %s', (_, then) => {
    const again = restarted(lossy, [failing('old'), promoted('0/9000000'), then])
    const {verdict, memory} = judgementOf(again)
    expect(verdict.routedTo).toBe(null)
    expect(memory.wrote.at(-1)?.left).toEqual([{host: 'b', timeline: 1, lsn: '0/3000010', from: '0/3000000'}])
  })

  test.each([
    ['streams from the primary', standby('b', {timeline: 2, of: 'a', lsn: '0/9000000'})],
    ['is on the timeline of the primary', standby('b', {timeline: 2, lsn: '0/9000000'})],
    ['belongs to another cluster', standby('b', {cluster: '1'})],
  ])('until the standby %s', (_, then) => {
    const hosts = [failing('old'), promoted('0/9000000'), then, standby('c', {timeline: 2, of: 'a'})]
    expect(judgementOf(next(lossy, {hosts})).verdict).toMatchObject(healthy)
  })

  test('until the standby leaves the configuration', () => {
    expect(judgementOf(next(lossy, {hosts: [failing('old'), promoted('0/9000000')]})).verdict).toMatchObject(healthy)
  })

  test('until accept, which survives a restart; what is held is told until the standby is rebuilt', () => {
    const ruled = accepting(lossy)
    expect(judgementOf(ruled).verdict).toMatchObject(told)
    const further = standby('b', {lsn: '0/3000020'})
    const again = restarted(ruled, [failing('old'), promoted('0/9000000'), further])
    expect(judgementOf(again).verdict).toMatchObject(told)
  })

  test('the word of the operator ends when the host is a standby: its next promotion is judged anew', () => {
    const ruled = accepting(lossy)
    const demoted = next(ruled, {hosts: [primary('old', {timeline: 3, lsn: '0/9000000'}), standby('a', {of: 'old'})]})
    expect(judgementOf(demoted).memory.wrote.find(({host}) => host === 'a')?.accepted).toBeUndefined()
  })
})

describe('S20: with refuse, the standbys are heard before a new primary is named', () => {
  const before = {rule: 'V5', kind: 'no-primary', primary: null, routedTo: null, why: ''} as const
  const hosts = [promoted('0/3000000', 10), standby('b', {ageMs: 200})]

  test('the last WAL of the old primary may have come after their last answer', () => {
    const {verdict} = judgementOf({hosts, settings: refuse, before})
    expect(verdict).toMatchObject({rule: 'V3', routedTo: null, situation: 'asking-again'})
    expect(isAskingAgain(verdict)).toBe(true)
    expect(verdict.why).toContain('b is asked first')
  })

  test.each<[string, Partial<Trial>]>([
    ['who has answered since', {hosts: [promoted('0/3000000', 200), standby('b', {ageMs: 10})]}],
    ['where the loss is only told', {settings: {}}],
    ['of the primary that was named before', {before: {...before, rule: 'V4', kind: 'primary', primary: 'a'}}],
    ['at the start', {before: null}],
  ])('not one %s', (_, more) => {
    expect(judgementOf({hosts, settings: refuse, before, ...more}).verdict.routedTo).toBe('a')
  })
})

test('R7: a primary whose promotion is refused gets no heartbeat', () => {
  const verdict = {...judgementOf({hosts: worse, settings: refuse}).verdict, since: 0}
  expect(mayLoseWrites(verdict)).toBe(true)
  expect(mayLoseWrites({...judgementOf({hosts: worse}).verdict, since: 0})).toBe(false)
})

test('S11: follow-evidence does not route to a rival whose promotion is refused', () => {
  const settings = {confirm: ['followers'], onSplitBrain: 'follow-evidence'} as const
  const hosts = [
    primary('old', {lsn: '0/3000000'}),
    promoted('0/3000000'),
    standby('b', {timeline: 2, of: 'a'}),
    standby('c', {timeline: 2, of: 'a'}),
    standby('d', {lsn: '0/3000010', of: 'old'}),
  ]
  expect(judgementOf({hosts, settings}).verdict).toMatchObject({rule: 'V1', routedTo: 'a'})
  expect(judgementOf({hosts, settings: {...settings, ...refuse}}).verdict).toMatchObject({rule: 'V1', routedTo: null})
})
