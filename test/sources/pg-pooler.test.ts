import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import {
  cleanUps,
  directory,
  driverFor,
  freePort,
  hasDebian,
  type Server,
  spawnOwned,
  startServer,
  until,
  within,
  writeOwned,
} from './pg-server.ts'

const pgbouncer = '/usr/sbin/pgbouncer'

describe.skipIf(!hasDebian || !existsSync(pgbouncer))('PgBouncer in the place of PostgreSQL', () => {
  let server: Server
  let pooler: ReturnType<typeof spawnOwned>
  let port: number
  beforeAll(async () => {
    server = await startServer()
    const dir = directory()
    port = await freePort()
    writeOwned(join(dir, 'users.txt'), '"postgres" ""\n')
    writeOwned(
      join(dir, 'pgbouncer.ini'),
      [
        '[databases]',
        `* = host=${server.dir} port=${server.port}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = trust',
        `auth_file = ${dir}/users.txt`,
        'pool_mode = transaction',
        '',
      ].join('\n'),
    )
    pooler = spawnOwned(pgbouncer, ['-q', join(dir, 'pgbouncer.ini')])
    cleanUps.push(() => pooler.kill('SIGKILL'))
    await until(
      () => driverFor({port}).open(within()),
      (opened) => !('cause' in opened) || opened.cause !== 'refused',
    )
  })

  test('a session or heartbeat fails with cause error, and the detail names the pooler', async () => {
    expect(await driverFor({port}).open(within())).toMatchObject({
      cause: 'error',
      detail: expect.stringMatching(/pooler, not PostgreSQL.*point host and port at PostgreSQL itself/),
    })
    expect(await driverFor({port}).heartbeat({primary: true}, within())).toMatchObject({
      kind: 'failure',
      cause: 'error',
    })
  })

  test('server connections of PgBouncer keep no session parameter of the daemon', async () => {
    await driverFor({port}).open(within())
    const {Client} = await import('pg')
    const client = new Client({host: '127.0.0.1', port, user: 'postgres', database: 'postgres'})
    await client.connect()
    const {rows} = await client.query(
      "select current_setting('statement_timeout') as statement_timeout, pg_backend_pid() as pid",
    )
    expect(rows).toEqual([{statement_timeout: '0', pid: expect.any(Number)}])
    await client.end()
  })
})
