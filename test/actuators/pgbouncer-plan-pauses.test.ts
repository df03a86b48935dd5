import {describe} from 'vitest'
import {nowhere} from '../../src/actuators/pgbouncer/include.ts'
import {primary, standby, unavailable} from '../support/snapshots.ts'
import {app, fileAt, host, led, none, observed, type Row, switched, testRows, used} from './pgbouncer-plan-rows.ts'

const shared = {address: '10.0.0.9:6432', isPortShared: false, folders: []}
const behindOneAddress = {stuck: true, problem: '10.0.0.9:6432 leads to several PgBouncer processes'}

const addresses: readonly Row[] = [
  {
    given: 'several processes behind the address, and another primary: no PAUSE',
    when: observed({}, {shared}),
    seeing: switched,
    so: ['write', 'reload'],
    ...behindOneAddress,
  },
  {
    given: 'the same, and no primary: no PAUSE',
    when: observed({}, {shared}),
    seeing: none,
    so: ['write', 'reload'],
    ...behindOneAddress,
  },
  {
    given: 'the same, and connections in use at a deposed primary: no KILL, which pauses too',
    when: observed({at: host(2), inUse: [used(1)]}, {shared}),
    seeing: switched,
    so: [],
    ...behindOneAddress,
  },
  {
    given: 'the same, and a pause of the daemon from before: RESUME',
    when: observed({at: host(2), isPaused: true}, {shared, heldMs: {app: 20}}),
    seeing: switched,
    so: ['resume app'],
    ...behindOneAddress,
  },
  {
    given: 'the file was written for another PgBouncer that reads it too',
    when: observed({}, {include: fileAt(host(2)), followed: {app: host(1)}}),
    seeing: switched,
    so: ['pause app', 'reload'],
  },
  {
    given: 'the same, and PgBouncer never followed the file',
    when: observed({}, {include: fileAt(host(2))}),
    seeing: switched,
    so: ['reload'],
  },
  {
    given: 'the same without a primary',
    when: observed({}, {include: fileAt(nowhere), followed: {app: host(1)}}),
    seeing: none,
    so: ['pause app'],
  },
  {
    given: 'another actuator wrote new options',
    when: observed({}, {readText: fileAt(host(1)).replace('dbname=app', 'dbname=app pool_size=9')}),
    seeing: led,
    so: ['reload'],
  },
]

describe('an address is not a process', () => testRows(addresses))

const pauses: readonly Row[] = [
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
]

const connections: readonly Row[] = [
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
]

describe('the commands for clients that wait in a pause', () => testRows(pauses))

describe('the commands for connections in use', () => testRows(connections))
