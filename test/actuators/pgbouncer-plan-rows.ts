import {expect, test} from 'vitest'
import {includeOf, type Pointer} from '../../src/actuators/pgbouncer/include.ts'
import {type DesiredPgbouncer, type ObservedPgbouncer, planPgbouncer} from '../../src/actuators/pgbouncer/plan.ts'
import type {PgbouncerState} from '../../src/actuators/pgbouncer/state.ts'
import type {PgbouncerDatabase} from '../../src/core/actuator-settings.ts'
import {primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

export const app: PgbouncerDatabase = {role: 'primary', group: null, dbname: null, options: null}
export const desired = (special: Partial<DesiredPgbouncer> = {}): DesiredPgbouncer => ({
  databases: {app},
  include: '/etc/pgbouncer/pgroute66.ini',
  pauseMs: 5_000,
  fallback: () => 'primary',
  ...special,
})
export const host = (number: number): Pointer => ({host: `10.0.0.${number}`, port: 5432})
export const fileAt = ({host, port}: Pointer) => includeOf([`app = host=${host} port=${port} dbname=app`])

type Special = Partial<PgbouncerState> & Readonly<{at?: Pointer; isPaused?: boolean; isDisabled?: boolean}>
const state = ({at = host(1), isPaused = false, isDisabled = false, ...special}: Special = {}): PgbouncerState => ({
  version: [1, 18],
  loginRetryS: 0.2,
  isPortShared: false,
  socketFolder: '/run/pgbouncer',
  databases: [{name: 'app', ...at, dbname: 'app', isPaused, isDisabled, connections: 2}],
  inUse: [],
  addresses: {},
  ...special,
})
/** The file and PgBouncer agree, unless `special` says otherwise. */
export const observed = (special: Special = {}, more: Partial<ObservedPgbouncer> = {}): ObservedPgbouncer => ({
  include: fileAt(special.at ?? host(1)),
  state: state(special),
  isRead: false,
  heldMs: {},
  unpausable: [],
  followed: {},
  readText: null,
  mayList: true,
  shared: null,
  ...more,
})
/** A connection in use. */
export const used = (number: number) => ({database: 'app', address: `10.0.0.${number}`, port: 5432})

export const led: SnapshotDraft = {hosts: {host1: primary(), host2: standby()}}
export const switched: SnapshotDraft = {hosts: {host1: unavailable(), host2: primary()}}
export const none: SnapshotDraft = {hosts: {host1: unavailable(), host2: standby()}}

/** `so`: the commands in order; `problem`: a part of the only problem. */
export type Row = Readonly<{
  given: string
  when: ObservedPgbouncer
  seeing: SnapshotDraft
  settings?: Partial<DesiredPgbouncer>
  so: readonly string[]
  stuck?: boolean
  againMs?: number
  problem?: string
}>

/** One test for each row: PgBouncer stands at `when`, and the daemon sees `seeing`. */
export function testRows(rows: readonly Row[]): void {
  test.each(rows)('given $given', ({when, seeing, settings, so, stuck = false, againMs = null, problem}) => {
    const plan = planPgbouncer(desired(settings), when, snapshot(seeing))
    expect(plan.steps.map(({kind, database}) => (database === null ? kind : `${kind} ${database}`))).toEqual(so)
    expect([plan.isStuck, plan.againMs]).toEqual([stuck, againMs])
    expect(plan.problems).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)])
  })
}
