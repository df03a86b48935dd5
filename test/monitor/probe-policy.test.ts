import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {Rule} from '../../src/core/vocabulary.ts'
import {type HeartbeatTask, heartbeatTask, isNudgeDue, type PolicyGroup} from '../../src/monitor/probe-policy.ts'
import {assessed} from '../support/assessed.ts'
import {failing, MAX_AGE, NOW, OURS, primary, standby, unasked, wrote} from '../support/records.ts'

const settled = {systemIdentifier: OURS, wrote: [wrote(1)]}

/** A group judged under each rule, of which `a` is a host that answered as primary. */
const judged: Record<Rule, PolicyGroup> = {
  V0: group([primary('a'), unasked('b')]),
  V1: group([primary('a'), primary('b')]),
  V2: group([primary('a')], {memory: {...settled, wrote: [wrote(2)]}}),
  V3: group([primary('a'), failing('b')], {settings: {confirm: ['majority']}}),
  V4: group([primary('a')]),
  V5: group([standby('a')]),
}

function group(hosts: readonly HostRecord[], more: Parameters<typeof assessed>[1] = {}): PolicyGroup {
  return {settings: {confirm: []}, verdict: assessed(hosts, more).state.verdict}
}

test('the groups of these tables are judged by the rule they are named for', () => {
  for (const [rule, {verdict}] of Object.entries(judged)) expect(verdict?.rule).toBe(rule)
})

describe('heartbeat: a doubtful primary is not written to', () => {
  /** Complete by type: a new rule has to say whether a primary is written to under it. */
  const tasks: Record<Rule, HeartbeatTask> = {V0: null, V1: null, V2: null, V3: 'write', V4: 'write', V5: 'write'}
  for (const [rule, task] of Object.entries(tasks) as [Rule, HeartbeatTask][])
    test(`${rule}: ${task ?? 'left alone'}`, () =>
      expect(heartbeatTask(primary('a'), [judged[rule]], MAX_AGE, NOW)).toBe(task))

  test('a host of two groups is written to only if it is doubtful in neither', () =>
    expect(heartbeatTask(primary('a'), [judged.V4, judged.V2], MAX_AGE, NOW)).toBeNull())
  test('a group that was not judged yet is doubtful', () =>
    expect(heartbeatTask(primary('a'), [{settings: {confirm: []}, verdict: undefined}], MAX_AGE, NOW)).toBeNull())
})

describe('heartbeat', () => {
  const rows: readonly Readonly<{given: string; record: HostRecord | undefined; task: HeartbeatTask}>[] = [
    {given: 'a standby is read from', record: standby('a'), task: 'read'},
    {given: 'a primary of no group is written to', record: primary('a'), task: 'write'},
    {given: 'a stale answer does not make a primary', record: primary('a', {ageMs: MAX_AGE + 1}), task: null},
    {given: 'a host that does not answer is left alone', record: failing('a'), task: null},
    {given: 'a host that was not asked yet is left alone', record: unasked('a'), task: null},
    {given: 'a host that left the configuration is left alone', record: undefined, task: null},
    {
      given: 'a host that the knock found shut is left alone',
      record: primary('a', {more: {knock: {cause: 'hung', detail: ''}}}),
      task: null,
    },
    {given: 'a second name of a server is left alone', record: primary('a', {more: {duplicateOf: 'b'}}), task: null},
    {
      given: 'a primary whose heartbeat hangs is written to again: only a commit clears it',
      record: primary('a', {more: {frozen: {cause: 'hung', detail: ''}}}),
      task: 'write',
    },
  ]
  for (const {given, record, task} of rows)
    test(given, () => expect(heartbeatTask(record, [], MAX_AGE, NOW)).toBe(task))
})

describe('nudge', () => {
  const followers = {settings: {confirm: ['followers']}, verdict: judged.V4.verdict}
  const repmgr = {settings: {confirm: ['repmgr']}, verdict: judged.V4.verdict}
  const never = Number.NEGATIVE_INFINITY
  const on = {maxAgeMs: 5_000, nudge: true}
  const rows: readonly Readonly<{given: string; when: Parameters<typeof isNudgeDue>; isDue: boolean}>[] = [
    {given: 'followers are required', when: [[followers], on, never, NOW], isDue: true},
    {
      given: 'followers are required, and the last nudge is a second old',
      when: [[followers], on, 0, 1_000],
      isDue: true,
    },
    {given: 'followers are required, and the last nudge is younger', when: [[followers], on, 1, 1_000], isDue: false},
    {given: 'repmgr is required', when: [[repmgr], on, never, NOW], isDue: true},
    {given: 'one of two groups requires followers', when: [[judged.V4, followers], on, never, NOW], isDue: true},
    {given: 'rivals are compared (V1)', when: [[judged.V1], on, never, NOW], isDue: true},
    {given: 'nothing asks for followers', when: [[judged.V4], on, never, NOW], isDue: false},
    {given: 'the host is ungrouped', when: [[], on, never, NOW], isDue: false},
    {given: 'followers.nudge is off', when: [[followers, judged.V1], {...on, nudge: false}, never, NOW], isDue: false},
  ]
  for (const {given, when, isDue} of rows)
    test(`given ${given}: ${isDue ? 'due' : 'not due'}`, () => expect(isNudgeDue(...when)).toBe(isDue))
})
