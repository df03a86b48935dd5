import {describe, expect, test} from 'vitest'
import {includeOf, linesOf, nowhere, type Pointer, pointerOf} from '../../src/actuators/pgbouncer/include.ts'
import {planPgbouncer} from '../../src/actuators/pgbouncer/plan.ts'
import {drained, primary, snapshot, standby, unconfirmed} from '../support/snapshots.ts'
import {app, desired, fileAt, host, led, none, observed, type Row, switched, testRows} from './pgbouncer-plan-rows.ts'

const rows: readonly Row[] = [
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
    given: 'no primary, and pauseMs is off',
    when: observed(),
    seeing: none,
    settings: {pauseMs: null},
    so: ['write', 'reload'],
  },
  {
    given: 'other options in the configuration',
    when: observed(),
    seeing: led,
    settings: {databases: {app: {...app, options: 'pool_size=5'}}},
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
  testRows(rows)

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
