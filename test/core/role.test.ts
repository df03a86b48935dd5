import {describe, expect, test} from 'vitest'
import {conditionOf, type HostRecord, knocked, observed} from '../../src/core/facts/host-record.ts'
import type {Observation} from '../../src/core/facts/observation.ts'
import {type Cause, causes, type Role} from '../../src/core/vocabulary.ts'
import {failing, MAX_AGE, memberIn, NOW, primary, standby, unasked, viewOf} from '../support/records.ts'

type Row = Readonly<{given: string; when: HostRecord; foreignTo?: string; role: Role; cause: Cause | null}>

const hung = {cause: 'hung', detail: ''} as const
const shut = {cause: 'not-accepting', detail: ''} as const
const up = (role: Role) => ({role, cause: null})
const down = (cause: Cause) => ({role: 'unavailable', cause}) as const

const rows: readonly Row[] = [
  {given: 'a fresh answer that it is not in recovery', when: primary('a'), ...up('primary')},
  {given: 'a fresh answer that it is in recovery', when: standby('a'), ...up('standby')},
  {given: 'an answer exactly as old as allowed', when: primary('a', {ageMs: MAX_AGE}), ...up('primary')},
  {given: 'an answer older than allowed', when: primary('a', {ageMs: MAX_AGE + 1}), ...down('stale')},
  {
    given: 'a slow answer to an old question: counted from the question',
    when: primary('a', {ageMs: MAX_AGE + 1, probeMs: MAX_AGE}),
    ...down('stale'),
  },
  {given: 'another name of the same server', when: primary('a', {more: {duplicateOf: 'b'}}), ...down('duplicate')},
  {given: 'another cluster', when: primary('a'), foreignTo: '42', ...down('foreign-cluster')},
  {
    given: 'a door that is shut, whatever the old session says',
    when: primary('a', {more: {knock: hung}}),
    ...down('hung'),
  },
  {given: 'a standby behind a shut door', when: standby('a', {more: {knock: shut}}), ...down('not-accepting')},
  {given: 'a primary that does not commit', when: primary('a', {more: {frozen: hung}}), ...down('hung')},
  {
    given: 'a standby, once a primary that did not commit',
    when: standby('a', {more: {frozen: hung}}),
    ...up('standby'),
  },
  {given: 'a read-only primary', when: primary('a', {readOnly: true}), ...up('primary')},
  {
    given: 'stale and a duplicate: old first',
    when: primary('a', {ageMs: MAX_AGE + 1, more: {duplicateOf: 'b'}}),
    ...down('stale'),
  },
  {
    given: 'a stranger that is shut: whose it is first',
    when: primary('a', {more: {knock: hung}}),
    foreignTo: '42',
    ...down('foreign-cluster'),
  },
]

for (const {given, when, foreignTo = null, role, cause} of rows)
  test(`given ${given}: ${cause ?? role}`, () =>
    expect(conditionOf(when, NOW, MAX_AGE, foreignTo)).toMatchObject({role, cause}))

test('a host that was never asked is unavailable without a cause', () => {
  expect(conditionOf(unasked('a'), NOW, MAX_AGE, null)).toMatchObject({role: 'unavailable', cause: null})
})

describe('every failure is its own cause, and does not go stale', () => {
  for (const cause of causes)
    test(cause, () =>
      expect(conditionOf(failing('a', cause), NOW + 1e9, MAX_AGE, null)).toMatchObject({role: 'unavailable', cause}),
    )
})

describe('what a record keeps of earlier answers', () => {
  const said = ({observation}: HostRecord) => observation as Observation
  const first = observed(unasked('a'), said(standby('a', {ageMs: 500, timeline: 5})))

  test('when its answers began: anew after a failure, and after another start of the server', () => {
    const second = observed(first, said(standby('a', {ageMs: 400})))
    expect(second.answersSince).toBe(first.answersSince)
    const restarted = observed(first, said(standby('a', {ageMs: 400, session: {startedAt: 2}})))
    expect(restarted.answersSince).toBe(NOW - 400 + 1)
    expect(observed(observed(first, said(failing('a'))), said(standby('a'))).answersSince).toBe(NOW - 10 + 1)
  })

  test('the highest timeline of a standby, while its postmaster is the same', () => {
    const timelineOf = (record: HostRecord) => memberIn(viewOf([record]), 'a').timeline
    expect(timelineOf(observed(first, said(standby('a', {timeline: 4}))))).toBe(5)
    expect(timelineOf(observed(first, said(standby('a', {timeline: 4, session: {startedAt: 2}}))))).toBe(4)
  })

  test('the word of a stopping server, until it answers again', () => {
    const warned = observed(first, {...said(failing('a', 'closed')), isStopping: true} as Observation)
    expect(observed(warned, said(failing('a', 'refused'))).isStopping).toBe(true)
    expect(observed(observed(first, said(failing('a', 'not-accepting'))), said(failing('a'))).isStopping).toBe(true)
    expect(observed(first, said(failing('a', 'closed'))).isStopping).toBe(false)
    expect(observed(warned, said(standby('a'))).isStopping).toBe(false)
    expect(knocked(warned, null).isStopping).toBe(false)
    expect(knocked(first, {cause: 'not-accepting', detail: ''}).isStopping).toBe(true)
  })
})
