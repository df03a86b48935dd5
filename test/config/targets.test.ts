import {expect, test} from 'vitest'
import {effective} from '../../src/config/printing/effective.ts'
import {workplace} from './workplace.ts'

const sample = `
hosts: {host1: {host: 10.0.0.1}, host2: {host: 10.0.0.2}}
haproxy:
  backends: {pg_write: primary, pg_read: replica}
  instances: [{socket: /run/haproxy/admin.sock}, {socket: 10.0.0.9:9999, backends: {pg_rw: primary}}]
agent: {bind: 127.0.0.1, port: 8009}
pgbouncer:
  - {admin: "postgres://pgbouncer:hunter2@127.0.0.1:6432/pgbouncer", include: /etc/pgbouncer/pgroute66.ini,
    databases: {app: {role: primary}, app_ro: {role: replica, dbname: app}}, pause: 5s}
hooks:
  - {run: [/usr/local/bin/page-me], on: [split-brain, no-primary], timeout: 10s}
  - {post: "https://hooks.example/T0/hunter2", secret_file: hook.key}
`

test('the sample of the design: all actuators, with every default', async () => {
  await using place = await workplace()
  const config = await place.load(sample)
  expect(config.haproxy.instances).toEqual([
    {socket: '/run/haproxy/admin.sock', masterSocket: null, backends: {pg_write: 'primary', pg_read: 'replica'}},
    {socket: '10.0.0.9:9999', masterSocket: null, backends: {pg_rw: 'primary'}},
  ])
  expect(config.agent).toEqual({bind: '127.0.0.1', port: 8009})
  const [bouncer] = config.pgbouncer
  expect(bouncer).toMatchObject({
    admin: {host: '127.0.0.1', port: 6432, user: 'pgbouncer', dbname: 'pgbouncer'},
    include: '/etc/pgbouncer/pgroute66.ini',
    databases: {app: {role: 'primary', group: null, dbname: null}, app_ro: {role: 'replica', dbname: 'app'}},
    pauseMs: 5000,
  })
  expect(bouncer?.admin.password).toEqual({from: 'config', text: 'hunter2'})
  expect(config.hooks).toEqual([
    {
      kind: 'run',
      argv: ['/usr/local/bin/page-me'],
      on: ['split-brain', 'no-primary'],
      groups: null,
      timeoutMs: 10_000,
      retries: 5,
    },
    {
      kind: 'post',
      url: 'https://hooks.example/T0/hunter2',
      secretFile: `${place.directory}/hook.key`,
      on: null,
      groups: null,
      timeoutMs: 10_000,
      retries: 5,
    },
  ])
})

test('no secret is shown: neither a password nor the path of a webhook', async () => {
  await using place = await workplace()
  const shown = effective(await place.load(sample))
  expect(JSON.stringify(shown)).not.toContain('hunter2')
  expect(shown).toMatchObject({
    pgbouncer: [{admin: 'postgres://pgbouncer:********@127.0.0.1:6432/pgbouncer?sslmode=prefer'}],
  })
})

test('several PgBouncers, each by its unix socket, share an include file', async () => {
  await using place = await workplace()
  const {pgbouncer} = await place.load(
    [
      'hosts: {h1: {host: a}}',
      'pgbouncer:',
      '  - {admin: "postgres://u@/pgbouncer?host=/run/one&port=6432", include: f, databases: {x: primary, y: replica}}',
      '  - {admin: "host=/run/two port=6432 user=u", include: f, databases: {y: replica, x: primary}, pause: 5s}',
    ].join('\n'),
  )
  expect(pgbouncer.map(({admin: {host, port, dbname}}) => [host, port, dbname])).toEqual([
    ['/run/one', 6432, 'pgbouncer'],
    ['/run/two', 6432, 'pgbouncer'],
  ])
  // One order, because it is the order of the file.
  expect(pgbouncer.map(({databases}) => Object.keys(databases))).toEqual([
    ['x', 'y'],
    ['x', 'y'],
  ])
})

test('the environment of a client says nothing of an admin console', async () => {
  await using place = await workplace()
  const config = await place
    .load('hosts: {h1: {host: a}}\npgbouncer: [{admin: "postgres:///", include: f, databases: {app: primary}}]', {
      PGHOST: 'elsewhere',
      PGUSER: 'someone',
      PGPASSWORD: 'hunter2',
    })
    .catch((error: Error) => error.message)
  expect(JSON.stringify(config)).not.toMatch(/elsewhere|hunter2/)
})
