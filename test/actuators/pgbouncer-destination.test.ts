import {describe, expect, test} from 'vitest'
import {type DestinationQuestion, destinationOf} from '../../src/actuators/pgbouncer/destination.ts'
import {
  isOurs,
  lineOf,
  nowhere,
  type Pointer,
  pointerOf,
  withoutPointers,
} from '../../src/actuators/pgbouncer/include.ts'
import type {PgbouncerDatabase} from '../../src/core/actuator-settings.ts'
import {drained, primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

const app: PgbouncerDatabase = {role: 'primary', group: null, dbname: null, options: null}
const reader: PgbouncerDatabase = {...app, role: 'replica'}
const at = (host: string, port = 5432): Pointer => ({host, port})
const three: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby('host1', {lagBytes: 100}), host3: standby('host1', {lagBytes: 10})},
}
const alone: SnapshotDraft = {hosts: {host1: primary(), host2: unavailable()}}
const starting = {rule: 'V0', kind: 'starting', primary: null, routedTo: null} as const

const rows: readonly (Partial<Omit<DestinationQuestion, 'snapshot'>> & {
  given: string
  seeing: SnapshotDraft
  so: Pointer | 'keep'
})[] = [
  {given: 'a primary', seeing: three, so: at('10.0.0.1')},
  {given: 'no primary', seeing: {hosts: {host1: unavailable(), host2: standby()}}, so: nowhere},
  {given: 'readers: all eligible hosts in one entry', seeing: three, database: reader, so: at('10.0.0.2,10.0.0.3')},
  {
    given: 'readers of a PgBouncer that takes one host: the host that lags least',
    seeing: three,
    database: reader,
    mayList: false,
    so: at('10.0.0.3'),
  },
  {
    given: 'the same, and another host in use: the database stays there',
    seeing: three,
    database: reader,
    mayList: false,
    now: at('10.0.0.2'),
    so: at('10.0.0.2'),
  },
  {
    given: 'the same, and a host with unknown lag: it comes last',
    seeing: {
      hosts: {host1: primary(), host2: standby('host1', {lagBytes: null}), host3: standby('host1', {lagBytes: 10})},
    },
    database: reader,
    mayList: false,
    so: at('10.0.0.3'),
  },
  {
    given: 'readers on several ports: one entry holds one port',
    seeing: {
      hosts: {host1: primary(), host2: standby('host1', {lagBytes: 100}), host3: standby('host1', {port: 5433})},
    },
    database: reader,
    so: at('10.0.0.3', 5433),
  },
  {
    given: 'readers behind unix sockets: one entry holds one socket',
    seeing: {
      hosts: {
        host1: primary(),
        host2: standby('host1', {address: '/run/a'}),
        host3: standby('host1', {address: '/run/b'}),
      },
    },
    database: reader,
    so: at('/run/a'),
  },
  {
    given: 'a drained reader',
    seeing: {hosts: {host1: primary(), host2: standby('host1', {drained}), host3: standby()}},
    database: reader,
    so: at('10.0.0.3'),
  },
  {given: 'no eligible reader: the primary', seeing: alone, database: reader, so: at('10.0.0.1')},
  {given: 'no eligible reader, and no fallback', seeing: alone, database: reader, fallback: () => 'none', so: nowhere},
  {given: 'a group that is starting', seeing: {...three, verdict: starting}, so: 'keep'},
  {
    given: 'several groups: the group of the database',
    seeing: {...three, groups: {one: ['host1'], two: ['host2', 'host3']}},
    database: {...app, group: 'one'},
    so: at('10.0.0.1'),
  },
  {given: 'an unknown group', seeing: three, database: {...app, group: 'gone'}, so: 'keep'},
  {
    given: 'another group of the primary is starting: the database stays',
    seeing: {...three, groups: {one: ['host1', 'host2'], two: ['host1', 'host3']}, verdicts: {two: starting}},
    database: {...app, group: 'one'},
    now: at('10.0.0.1'),
    so: 'keep',
  },
  {
    given: 'the same, and the database is elsewhere: it does not move',
    seeing: {...three, groups: {one: ['host1', 'host2'], two: ['host1', 'host3']}, verdicts: {two: starting}},
    database: {...app, group: 'one'},
    now: at('10.0.0.2'),
    so: nowhere,
  },
]

describe('where a database leads', () => {
  test.each(rows)('given $given', ({seeing, so, given: _, ...question}) => {
    const common = {name: 'app', database: app, now: null, fallback: () => 'primary' as const, mayList: true}
    const target = destinationOf({...common, ...question, snapshot: snapshot(seeing)})
    expect(target.kind === 'keep' ? 'keep' : target.pointer).toEqual(so)
  })
})

describe('a line of the file', () => {
  test.each([
    [at('10.0.0.1'), app, 'app = host=10.0.0.1 port=5432 dbname=app'],
    [at('10.0.0.1,10.0.0.2', 5433), {...app, dbname: 'other'}, 'app = host=10.0.0.1,10.0.0.2 port=5433 dbname=other'],
    [
      at('fe80::1%eth0'),
      {...app, options: 'pool_size=20 auth_user=app'},
      'app = host=fe80::1%eth0 port=5432 dbname=app pool_size=20 auth_user=app',
    ],
    [at("/run/it's here"), {...app, dbname: 'my db'}, "app = host='/run/it''s here' port=5432 dbname='my db'"],
    [nowhere, app, 'app = host=/pgroute66/nowhere port=1 dbname=app'],
  ])('%j: written, and read as the same', (pointer, database, line) => {
    expect(lineOf('app', pointer, database)).toBe(line)
    expect(pointerOf(line)).toEqual(pointer)
    expect(withoutPointers(line)).toBe(withoutPointers(lineOf('app', at('elsewhere', 1), database)))
    expect(withoutPointers(line)).toContain(database.options ?? 'dbname=')
  })

  test('a file that pgroute66 has not written is recognised', () => {
    expect([isOurs(''), isOurs('\n'), isOurs('[databases]\n'), isOurs('; mine\n')]).toEqual([true, true, false, false])
  })
})
