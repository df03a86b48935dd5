import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {authority} from './pg-certificates.ts'
import {
  directory,
  driverFor,
  hasDebian,
  type Server,
  startServer,
  until,
  whileFrozen,
  within,
  writeOwned,
} from './pg-server.ts'

const fine = {kind: 'fine', remoteAddress: '127.0.0.1'}
const roles = ['scram', 'md5', 'password', 'trust'] as const

describe.skipIf(!hasDebian)('a knock', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
    const dir = directory()
    const {cert, key} = authority(dir).issue('server', 'db.test', 'DNS:db.test')
    writeOwned(join(server.dir, 's.pem'), readFileSync(cert))
    writeOwned(join(server.dir, 's.key'), readFileSync(key))
    server.sql(
      "create role scram login password 'pw'; create role trust login; create role password login password 'pw'",
    )
    server.sql("set password_encryption = md5; create role md5 login password 'pw'")
    server.hba(
      'host all scram all scram-sha-256',
      'host all md5 all md5',
      'host all password all password',
      'host all trust all trust',
    )
    for (const set of [`ssl_cert_file = '${server.dir}/s.pem'`, `ssl_key_file = '${server.dir}/s.key'`, 'ssl = on'])
      server.sql(`alter system set ${set}`)
    server.sql('select pg_reload_conf()')
    await until(
      () => server.sql('show ssl'),
      (now) => now === 'on',
    )
  })

  test('every way to log in: the knock is fine, leaves no backend, and PostgreSQL logs nothing', async () => {
    const logged = await server.logDuring(async () => {
      for (const user of roles)
        for (const sslmode of ['disable', 'prefer', 'require'] as const)
          for (let again = 0; again < 5; again += 1)
            expect(await driverFor({port: server.port, user, sslmode}).knock(within())).toEqual(fine)
      expect(await driverFor({host: server.dir, port: server.port}).knock(within())).toEqual({
        ...fine,
        remoteAddress: null,
      })
    })
    expect(logged).toEqual([])
  })

  test('a user that pg_hba.conf does not know: PostgreSQL logs the refusal, and the knock is fine', async () => {
    const logged = await server.logDuring(async () => {
      expect(await driverFor({port: server.port, user: 'stranger'}).knock(within())).toEqual(fine)
    })
    expect(logged).toEqual([expect.stringContaining('stranger')])
  })

  test('every connection slot of the role is taken: the postmaster counts as alive', async () => {
    server.sql('alter role trust connection limit 0')
    onTestFinished(() => void server.sql('alter role trust connection limit -1'))
    expect(await driverFor({port: server.port, user: 'trust'}).open(within())).toMatchObject({
      cause: 'auth',
      detail: expect.stringContaining('CONNECTION LIMIT'),
    })
    expect(await driverFor({port: server.port, user: 'trust'}).knock(within())).toEqual(fine)
  })

  test('a stopped postmaster: the knock gets no answer, while the old session still answers', async () => {
    const driver = driverFor({port: server.port, user: 'trust'})
    const session = await driver.open(within())
    if (isFailure(session)) throw new Error(session.detail)
    await whileFrozen(server, [server.pid], async () => {
      expect(await driver.knock(within(300))).toMatchObject({
        kind: 'failure',
        cause: 'timeout',
        remoteAddress: '127.0.0.1',
      })
      expect(await session.probe({nudge: false}, within())).toMatchObject({inRecovery: false})
    })
    expect(await driver.knock(within())).toEqual(fine)
    session.close()
  })

  test('a stopped postmaster with a full backlog: timeout over TCP and unix socket, and never "refused"', async () => {
    await whileFrozen(server, [server.pid], async () => {
      for (const change of [{host: server.dir}, {user: 'trust'}]) {
        const driver = driverFor({port: server.port, ...change})
        const answers = await Promise.all(Array.from({length: 300}, () => driver.knock(within(500))))
        const causes = new Set(answers.map((answer) => answer.kind === 'failure' && answer.cause))
        expect(causes).toEqual(new Set(['timeout']))
      }
    })
    await until(
      () => driverFor({port: server.port, user: 'trust'}).knock(within()),
      ({kind}) => kind === 'fine',
    )
  })

  test('a smart shutdown waits for our session: not accepting until the session is closed, then refused', async () => {
    const driver = driverFor({port: server.port, user: 'trust'})
    const session = await driver.open(within())
    if (isFailure(session)) throw new Error(session.detail)
    const {gone} = server
    server.signal('SIGTERM', [server.pid])
    const answer = await until(
      () => driver.knock(within()),
      ({kind}) => kind === 'failure',
    )
    expect(answer).toMatchObject({cause: 'not-accepting', detail: expect.stringContaining('57P03')})
    expect(await session.probe({nudge: false}, within())).toMatchObject({inRecovery: false})
    session.close()
    await gone
    expect(await driver.knock(within())).toMatchObject({cause: 'refused'})
  })
})
