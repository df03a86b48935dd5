import {expect, test} from 'vitest'
import type {PastChange} from '../../src/core/changes.ts'
import {type ReportQuestion, reportOf} from '../../src/core/reports/report.ts'
import type {Change} from '../../src/core/snapshot.ts'

const common = {group: null, host: null, from: null, to: null, rule: null, why: ''} as const
const past = (at: number, change: Partial<Change>, epoch = 'a'): PastChange => ({
  at,
  epoch,
  sequence: at,
  change: {...common, kind: 'verdict', ...change},
})
const ruled = (at: number, to: string, situation: string, host: string | null = null, epoch = 'a') =>
  past(at, {group: 'all', to, situation: situation as never, host}, epoch)
const role = (at: number, host: string, from: string, to: string) => past(at, {kind: 'role', host, from, to})

const question: ReportQuestion = {
  group: 'all',
  roles: {host1: 'standby', host2: 'primary'},
  changes: [
    ruled(0, 'primary', 'healthy', 'host1'),
    role(1_000, 'host1', 'primary', 'unavailable'),
    ruled(1_000, 'no-primary', 'no-primary'),
    role(1_400, 'host2', 'standby', 'primary'),
    ruled(1_500, 'primary', 'healthy', 'host2'),
    role(3_000, 'host1', 'unavailable', 'standby'),
    ruled(5_000, 'primary', 'primary-drained', 'host2'),
    ruled(6_000, 'primary', 'healthy', 'host2'),
  ],
  from: 0,
  to: 10_000,
}

test('a failover, and a drain: each phase with its time', () => {
  expect(reportOf(question)).toEqual({
    from: 0,
    to: 10_000,
    writableMs: 8_500,
    availability: 0.85,
    switches: [{at: 1_500, from: 'host1', to: 'host2'}],
    phases: {healthy: 8_500, 'no-primary': 500, 'primary-drained': 1_000},
    withoutStandbyMs: 1_600,
    restarts: 0,
  })
})

test('it begins in the middle: what was the case then is known from before', () => {
  const {from, phases, switches, withoutStandbyMs} = reportOf({...question, from: 1_200, to: 2_000})
  expect({from, phases, switches, withoutStandbyMs}).toEqual({
    from: 1_200,
    phases: {'no-primary': 300, healthy: 500},
    switches: [],
    withoutStandbyMs: 600,
  })
})

test('the log begins later than asked: nothing is told of the time before', () => {
  const changes = question.changes.slice(4)
  expect(reportOf({...question, changes})).toMatchObject({from: 1_500, availability: 7_500 / 8_500})
  expect(reportOf({...question, changes: []})).toMatchObject({from: 10_000, availability: null, phases: {}})
})

test('a restart is counted, and another group is not', () => {
  const more = [ruled(7_000, 'starting', 'starting', null, 'b'), past(7_500, {group: 'other', to: 'no-primary'}, 'b')]
  expect(reportOf({...question, changes: [...question.changes, ...more]})).toMatchObject({
    restarts: 1,
    phases: {starting: 3_000},
  })
})
