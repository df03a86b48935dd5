import {describe, expect, test} from 'vitest'
import {includeOf, linesOf, nowhere, type Pointer, pointerOf} from '../../src/actuators/pgbouncer/include.ts'
import {type DesiredPgbouncer, type ObservedPgbouncer, planPgbouncer} from '../../src/actuators/pgbouncer/plan.ts'
import type {PgbouncerState} from '../../src/actuators/pgbouncer/state.ts'
import type {PgbouncerDatabase} from '../../src/core/actuator-settings.ts'
import {
  drained,
  primary,
  type SnapshotDraft,
  snapshot,
  standby,
  unavailable,
  unconfirmed,
} from '../support/snapshots.ts'

const app: PgbouncerDatabase = {role: 'primary', group: null, dbname: null, options: null}
const desired = (special: Partial<DesiredPgbouncer> = {}): DesiredPgbouncer => ({
  databases: {app},
  include: '/etc/pgbouncer/pgroute66.ini',
  pauseMs: 5_000,
  fallback: () => 'primary',
  ...special,
})
const host = (number: number): Pointer => ({host: `10.0.0.${number}`, port: 5432})
const fileAt = ({host, port}: Pointer) => includeOf([`app = host=${host} port=${port} dbname=app`])

type Special = Partial<PgbouncerState> & Readonly<{at?: Pointer; isPaused?: boolean; isDisabled?: boolean}>
const state = ({at = host(1), isPaused = false, isDisabled = false, ...special}: Special = {}): PgbouncerState => ({
  version: [1, 18],
  loginRetryS: 0.2,
  databases: [{name: 'app', ...at, dbname: 'app', isPaused, isDisabled}],
  inUse: [],
  addresses: {},
  ...special,
})
/** The file and PgBouncer agree, unless `special` says otherwise. */
const observed = (special: Special = {}, more: Partial<ObservedPgbouncer> = {}): ObservedPgbouncer => ({
  include: fileAt(special.at ?? host(1)),
  state: state(special),
  isRead: false,
  heldMs: {},
  unpausable: [],
  ...more,
})
const used = (number: number) => ({database: 'app', address: `10.0.0.${number}`, port: 5432})

const led: SnapshotDraft = {hosts: {host1: primary(), host2: standby()}}
const switched: SnapshotDraft = {hosts: {host1: unavailable(), host2: primary()}}
const none: SnapshotDraft = {hosts: {host1: unavailable(), host2: standby()}}

/** `problem`: a part of the only problem. */
const rows: readonly {
  given: string
  when: ObservedPgbouncer
  seeing: SnapshotDraft
  settings?: Partial<DesiredPgbouncer>
  so: readonly string[]
  stuck?: boolean
  againMs?: number
  problem?: string
}[] = [
  {given: 'file and PgBouncer at the primary', when: observed(), seeing: led, so: []},
  {given: 'no file yet', when: observed({}, {include: null}), seeing: led, so: ['write', 'reload']},
  {given: 'another host is primary', when: observed(), seeing: switched, so: ['pause app', 'write', 'reload']},
  {
    given: 'another host is primary, and pauseMs is off',
    when: observed(),
    seeing: switched,
    settings: {pauseMs: null},
    so: ['write', 'reload'],
  },
  {
    given: 'another host is primary, and the database is paused already',
    when: observed({isPaused: true}),
    seeing: switched,
    so: ['write', 'reload'],
  },
  {given: 'no primary', when: observed(), seeing: none, so: ['pause app', 'write']},
  {
    given: 'two primaries',
    when: observed(),
    seeing: {hosts: {host1: primary(), host2: primary()}},
    so: ['pause app', 'write'],
  },
  {
    given: 'an unconfirmed primary',
    when: observed(),
    seeing: {...led, verdict: unconfirmed('host1')},
    so: ['pause app', 'write'],
  },
  {
    given: 'a drained primary',
    when: observed(),
    seeing: {hosts: {host1: primary({drained}), host2: standby()}},
    so: ['pause app', 'write'],
  },
  {given: 'a primary again', when: observed({at: nowhere}), seeing: led, so: ['write', 'reload']},
  {given: 'the console cannot be reached', when: observed({}, {state: null}), seeing: switched, so: ['write']},
  {
    given: 'a correct file that PgBouncer has not read',
    when: observed({at: host(2)}, {include: fileAt(host(1))}),
    seeing: led,
    so: ['reload'],
  },
  {
    given: 'a correct file that PgBouncer has read, and another host shown',
    when: observed({at: host(2)}, {include: fileAt(host(1)), isRead: true}),
    seeing: led,
    so: [],
    stuck: true,
    problem: 'leads to 10.0.0.2:5432',
  },
  {
    given: 'PgBouncer leads to another host than the file said, so another file may control it',
    when: observed({at: host(3)}, {include: fileAt(host(1))}),
    seeing: switched,
    so: ['write', 'reload'],
  },
  {
    given: 'a database that is missing even after RELOAD',
    when: observed({databases: []}, {isRead: true}),
    seeing: led,
    so: [],
    stuck: true,
    problem: 'add "%include /etc/pgbouncer/pgroute66.ini"',
  },
  {
    given: 'a file that pgroute66 has not written',
    when: observed({}, {include: '[databases]\napp = host=10.0.0.1\n'}),
    seeing: switched,
    so: [],
    stuck: true,
    problem: 'was not written by pgroute66',
  },
  {
    given: 'a pause of the daemon, the new host shown, no connection elsewhere',
    when: observed({at: host(2), isPaused: true, inUse: [used(2)]}, {heldMs: {app: 20}}),
    seeing: switched,
    so: ['resume app'],
  },
  {given: "an operator's pause", when: observed({isPaused: true}), seeing: led, so: []},
  {
    given: 'a pause of the daemon, and an open transaction on a standby',
    when: observed({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 20}}),
    seeing: {hosts: {host1: standby('host2'), host2: primary()}},
    so: [],
    stuck: true,
    againMs: 50,
    problem: 'transactions at 10.0.0.1:5432 end',
  },
  {
    given: 'the same, for longer than pauseMs',
    when: observed({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 5_000}}),
    seeing: {hosts: {host1: standby('host2'), host2: primary()}},
    so: ['resume app'],
  },
  {
    given: 'a transaction that hangs on a deposed primary',
    when: observed({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 20}}),
    seeing: {hosts: {host1: unavailable('hung'), host2: primary()}},
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, not paused',
    when: observed({at: host(2), inUse: [used(1)]}),
    seeing: switched,
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, paused by an operator',
    when: observed({at: host(2), isPaused: true, inUse: [used(1)]}),
    seeing: switched,
    so: ['kill app'],
  },
  {
    given: 'no primary, and pauseMs is off',
    when: observed(),
    seeing: none,
    settings: {pauseMs: null},
    so: ['write', 'reload'],
  },
  {
    given: 'no primary, and an open transaction: it is not cut',
    when: observed({isPaused: true, inUse: [used(1)]}, {include: fileAt(nowhere), heldMs: {app: 4_980}}),
    seeing: none,
    so: [],
    stuck: true,
    againMs: 20,
    problem: 'is paused while transactions',
  },
  {
    given: 'no primary, and clients that wait: no RELOAD yet',
    when: observed({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: none,
    so: [],
    againMs: 3_000,
  },
  {
    given: 'the same, and the former primary is back',
    when: observed({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: led,
    so: ['write', 'resume app'],
  },
  {
    given: 'the same, and another host is primary',
    when: observed({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: switched,
    so: ['write', 'reload'],
  },
  {
    given: 'the same, and clients have waited long enough',
    when: observed({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 5_000}}),
    seeing: none,
    so: ['reload'],
  },
  {
    given: 'the same, and an operator has ended the pause',
    when: observed({}, {include: fileAt(nowhere)}),
    seeing: none,
    so: ['reload'],
  },
  {
    given: 'no primary, PgBouncer leads nowhere, and clients still wait',
    when: observed({at: nowhere, isPaused: true}, {heldMs: {app: 2_000}}),
    seeing: none,
    so: [],
    againMs: 3_000,
  },
  {
    given: 'no primary, PgBouncer leads nowhere, and clients have waited long enough',
    when: observed({at: nowhere, isPaused: true}, {heldMs: {app: 5_000}}),
    seeing: none,
    so: ['resume app'],
  },
  {
    given: "no primary, and an operator's pause",
    when: observed({isPaused: true}),
    seeing: none,
    so: ['write', 'reload'],
  },
  {
    given: 'other options in the configuration',
    when: observed(),
    seeing: led,
    settings: {databases: {app: {...app, options: 'pool_size=5'}}},
    so: ['write', 'reload'],
  },
  {
    given: 'a connection to the address that PgBouncer resolved the primary to',
    when: observed({at: {host: 'db1', port: 5432}, inUse: [used(1)], addresses: {db1: ['10.0.0.1']}}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: [],
  },
  {
    given: 'a connection to the address of a deposed primary, by a resolved name',
    when: observed({at: {host: 'db1', port: 5432}, inUse: [used(1)], addresses: {db1: ['10.0.0.7']}}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, by a name not resolved lately: the connection is not cut',
    when: observed({at: {host: 'db1', port: 5432}, inUse: [used(1)]}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: [],
  },
  {given: 'a connection to a host outside the configuration', when: observed({inUse: [used(9)]}), seeing: led, so: []},
  {
    given: 'readers, with a connection in use on another standby',
    when: observed({at: host(1), inUse: [used(2)]}),
    seeing: switched,
    settings: {databases: {app: {...app, role: 'replica'}}},
    so: ['write', 'reload'],
  },
  {given: 'a disabled database', when: observed({isDisabled: true}), seeing: led, so: [], problem: 'ENABLE app'},
  {
    given: 'a server_login_retry longer than a switch',
    when: observed({loginRetryS: 15}),
    seeing: led,
    so: [],
    problem: 'server_login_retry is 15 s',
  },
  {given: 'a server_login_retry as short as a switch', when: observed({loginRetryS: 1}), seeing: led, so: []},
  {
    given: 'a group that is starting (V0)',
    when: observed(),
    seeing: {...switched, verdict: {rule: 'V0', kind: 'starting', primary: null, routedTo: null}},
    so: [],
  },
  {
    given: 'several groups, and a database without a group',
    when: observed(),
    seeing: {...switched, groups: {one: ['host1'], two: ['host2']}},
    so: [],
    problem: 'set its group to one of one, two',
  },
]

describe('the commands for one PgBouncer', () => {
  test.each(rows)('given $given', ({when, seeing, settings, so, stuck = false, againMs = null, problem}) => {
    const plan = planPgbouncer(desired(settings), when, snapshot(seeing))
    expect(plan.steps.map(({kind, database}) => (database === null ? kind : `${kind} ${database}`))).toEqual(so)
    expect([plan.isStuck, plan.againMs]).toEqual([stuck, againMs])
    expect(plan.problems).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)])
  })

  test('a finished plan is not planned again', () => {
    for (const seeing of [led, switched, none]) {
      const {include} = planPgbouncer(desired(), observed(), snapshot(seeing))
      const at = pointerOf(linesOf(include).get('app') ?? '') as Pointer
      expect(planPgbouncer(desired(), observed({at}, {include}), snapshot(seeing))).toMatchObject({steps: [], include})
    }
  })

  test('databases that the file cannot hold are left out, and each is a problem', () => {
    const databases = {app, '*': app, 'a b': app, evil: {...app, options: 'pool_size=1\n[pgbouncer]'}}
    const {include, problems} = planPgbouncer(desired({databases}), observed(), snapshot(led))
    expect([...linesOf(include).keys()]).toEqual(['app'])
    expect(problems.map((problem) => /"([^"]+)"/.exec(problem)?.[1])).toEqual(['*', 'a b', 'evil'])
  })

  test('a database that leaves the configuration leaves the file', () => {
    const include = includeOf(['app = host=10.0.0.1 port=5432 dbname=app', 'old = host=10.0.0.1 port=5432 dbname=old'])
    expect(planPgbouncer(desired(), observed({}, {include}), snapshot(led))).toMatchObject({include: fileAt(host(1))})
  })
})
