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
const wish = (special: Partial<DesiredPgbouncer> = {}): DesiredPgbouncer => ({
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
/** The file and PgBouncer agree, unless they are said not to. */
const sight = (special: Special = {}, more: Partial<ObservedPgbouncer> = {}): ObservedPgbouncer => ({
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

/** `problem`: words of the first one. */
const rows: readonly {
  given: string
  when: ObservedPgbouncer
  seeing: SnapshotDraft
  wishing?: Partial<DesiredPgbouncer>
  so: readonly string[]
  stuck?: boolean
  againMs?: number
  problem?: string
}[] = [
  {given: 'all is well', when: sight(), seeing: led, so: []},
  {given: 'no file yet', when: sight({}, {include: null}), seeing: led, so: ['write', 'reload']},
  {given: 'another one leads', when: sight(), seeing: switched, so: ['pause app', 'write', 'reload']},
  {
    given: 'another one leads, and pauses are not wished for',
    when: sight(),
    seeing: switched,
    wishing: {pauseMs: null},
    so: ['write', 'reload'],
  },
  {given: 'it is paused already', when: sight({isPaused: true}), seeing: switched, so: ['write', 'reload']},
  {given: 'nobody leads', when: sight(), seeing: none, so: ['pause app', 'write']},
  {given: 'two lead', when: sight(), seeing: {hosts: {host1: primary(), host2: primary()}}, so: ['pause app', 'write']},
  {
    given: 'one leads, unconfirmed',
    when: sight(),
    seeing: {...led, verdict: unconfirmed('host1')},
    so: ['pause app', 'write'],
  },
  {
    given: 'the one that leads is drained',
    when: sight(),
    seeing: {hosts: {host1: primary({drained}), host2: standby()}},
    so: ['pause app', 'write'],
  },
  {given: 'somebody leads again', when: sight({at: nowhere}), seeing: led, so: ['write', 'reload']},
  {given: 'the console cannot be reached', when: sight({}, {state: null}), seeing: switched, so: ['write']},
  {
    given: 'the file is right, PgBouncer has not read it',
    when: sight({at: host(2)}, {include: fileAt(host(1))}),
    seeing: led,
    so: ['reload'],
  },
  {
    given: 'the file is right, PgBouncer has read it and leads elsewhere',
    when: sight({at: host(2)}, {include: fileAt(host(1)), isRead: true}),
    seeing: led,
    so: [],
    stuck: true,
    problem: 'leads to 10.0.0.2:5432',
  },
  {
    given: 'PgBouncer leads elsewhere than our file said: it may be not ours to move',
    when: sight({at: host(3)}, {include: fileAt(host(1))}),
    seeing: switched,
    so: ['write', 'reload'],
  },
  {
    given: 'the database is not there, also after reading',
    when: sight({databases: []}, {isRead: true}),
    seeing: led,
    so: [],
    stuck: true,
    problem: 'add "%include /etc/pgbouncer/pgroute66.ini"',
  },
  {
    given: "the file is somebody else's",
    when: sight({}, {include: '[databases]\napp = host=10.0.0.1\n'}),
    seeing: switched,
    so: [],
    stuck: true,
    problem: 'not ours to write',
  },
  {
    given: 'it is held, leads there, and nothing is in use elsewhere',
    when: sight({at: host(2), isPaused: true, inUse: [used(2)]}, {heldMs: {app: 20}}),
    seeing: switched,
    so: ['resume app'],
  },
  {given: 'somebody else has paused it', when: sight({isPaused: true}), seeing: led, so: []},
  {
    given: 'it is held, and a transaction goes on at a standby',
    when: sight({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 20}}),
    seeing: {hosts: {host1: standby('host2'), host2: primary()}},
    so: [],
    stuck: true,
    againMs: 50,
    problem: 'transactions go on at 10.0.0.1:5432',
  },
  {
    given: 'the same, for longer than clients may wait',
    when: sight({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 5_000}}),
    seeing: {hosts: {host1: standby('host2'), host2: primary()}},
    so: ['resume app'],
  },
  {
    given: 'a transaction hangs at a deposed primary',
    when: sight({at: host(2), isPaused: true, inUse: [used(1)]}, {heldMs: {app: 20}}),
    seeing: {hosts: {host1: unavailable('hung'), host2: primary()}},
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, not paused',
    when: sight({at: host(2), inUse: [used(1)]}),
    seeing: switched,
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, paused by somebody else',
    when: sight({at: host(2), isPaused: true, inUse: [used(1)]}),
    seeing: switched,
    so: ['kill app'],
  },
  {
    given: 'nobody leads, and pauses are not wished for',
    when: sight(),
    seeing: none,
    wishing: {pauseMs: null},
    so: ['write', 'reload'],
  },
  {
    given: 'nobody leads, and a transaction goes on: it is not cut',
    when: sight({isPaused: true, inUse: [used(1)]}, {include: fileAt(nowhere), heldMs: {app: 4_980}}),
    seeing: none,
    so: [],
    stuck: true,
    againMs: 20,
    problem: 'transactions go on',
  },
  {
    given: 'nobody leads, and clients wait: PgBouncer need not know more',
    when: sight({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: none,
    so: [],
    againMs: 3_000,
  },
  {
    given: 'the same, and somebody leads again who did before',
    when: sight({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: led,
    so: ['write', 'resume app'],
  },
  {
    given: 'the same, and another one leads',
    when: sight({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 2_000}}),
    seeing: switched,
    so: ['write', 'reload'],
  },
  {
    given: 'the same, and clients have waited long enough',
    when: sight({isPaused: true}, {include: fileAt(nowhere), heldMs: {app: 5_000}}),
    seeing: none,
    so: ['reload'],
  },
  {
    given: 'the same, and somebody else has ended the pause',
    when: sight({}, {include: fileAt(nowhere)}),
    seeing: none,
    so: ['reload'],
  },
  {
    given: 'nobody leads, PgBouncer knows it, and clients still wait',
    when: sight({at: nowhere, isPaused: true}, {heldMs: {app: 2_000}}),
    seeing: none,
    so: [],
    againMs: 3_000,
  },
  {
    given: 'nobody leads, PgBouncer knows it, and clients have waited long enough',
    when: sight({at: nowhere, isPaused: true}, {heldMs: {app: 5_000}}),
    seeing: none,
    so: ['resume app'],
  },
  {
    given: 'nobody leads, and somebody else has paused it',
    when: sight({isPaused: true}),
    seeing: none,
    so: ['write', 'reload'],
  },
  {
    given: 'what is asked for beside the host is another',
    when: sight(),
    seeing: led,
    wishing: {databases: {app: {...app, options: 'pool_size=5'}}},
    so: ['write', 'reload'],
  },
  {
    given: 'what is in use is by a name that PgBouncer resolved to the address of the primary',
    when: sight({at: {host: 'db1', port: 5432}, inUse: [used(1)], addresses: {db1: ['10.0.0.1']}}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: [],
  },
  {
    given: 'the same, but to the address of a deposed one',
    when: sight({at: {host: 'db1', port: 5432}, inUse: [used(1)], addresses: {db1: ['10.0.0.7']}}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: ['kill app', 'resume app'],
  },
  {
    given: 'the same, but not resolved lately: nothing is cut on a suspicion',
    when: sight({at: {host: 'db1', port: 5432}, inUse: [used(1)]}),
    seeing: {hosts: {host1: primary({address: 'db1'}), host2: unavailable('hung', {address: '10.0.0.1'})}},
    so: [],
  },
  {given: 'what is in use is at no host of ours', when: sight({inUse: [used(9)]}), seeing: led, so: []},
  {
    given: 'readers, one of whom is held up',
    when: sight({at: host(1), inUse: [used(2)]}),
    seeing: switched,
    wishing: {databases: {app: {...app, role: 'replica'}}},
    so: ['write', 'reload'],
  },
  {given: 'it is disabled', when: sight({isDisabled: true}), seeing: led, so: [], problem: 'ENABLE app'},
  {
    given: 'PgBouncer waits long after a failed connection',
    when: sight({loginRetryS: 15}),
    seeing: led,
    so: [],
    problem: 'server_login_retry is 15 s',
  },
  {given: 'PgBouncer waits for no longer than a switch takes', when: sight({loginRetryS: 1}), seeing: led, so: []},
  {
    given: 'the group is asked for the first time',
    when: sight(),
    seeing: {...switched, verdict: {rule: 'V0', kind: 'starting', primary: null, routedTo: null}},
    so: [],
  },
  {
    given: 'there are several groups, and it is not said which',
    when: sight(),
    seeing: {...switched, groups: {one: ['host1'], two: ['host2']}},
    so: [],
    problem: 'give it one of one, two',
  },
]

describe('what one PgBouncer is told', () => {
  test.each(rows)('given $given', ({when, seeing, wishing, so, stuck = false, againMs = null, problem}) => {
    const plan = planPgbouncer(wish(wishing), when, snapshot(seeing))
    expect(plan.steps.map(({kind, database}) => (database === null ? kind : `${kind} ${database}`))).toEqual(so)
    expect([plan.isStuck, plan.againMs]).toEqual([stuck, againMs])
    expect(plan.problems).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)])
  })

  test('what it has done is not planned again', () => {
    for (const seeing of [led, switched, none]) {
      const {include} = planPgbouncer(wish(), sight(), snapshot(seeing))
      const at = pointerOf(linesOf(include).get('app') ?? '') as Pointer
      expect(planPgbouncer(wish(), sight({at}, {include}), snapshot(seeing))).toMatchObject({steps: [], include})
    }
  })

  test('databases that it may not name are left out, and named', () => {
    const databases = {app, '*': app, 'a b': app, evil: {...app, options: 'pool_size=1\n[pgbouncer]'}}
    const {include, problems} = planPgbouncer(wish({databases}), sight(), snapshot(led))
    expect([...linesOf(include).keys()]).toEqual(['app'])
    expect(problems.map((problem) => /"([^"]+)"/.exec(problem)?.[1])).toEqual(['*', 'a b', 'evil'])
  })

  test('a database that is no longer wished for leaves the file', () => {
    const include = includeOf(['app = host=10.0.0.1 port=5432 dbname=app', 'old = host=10.0.0.1 port=5432 dbname=old'])
    expect(planPgbouncer(wish(), sight({}, {include}), snapshot(led))).toMatchObject({include: fileAt(host(1))})
  })
})
