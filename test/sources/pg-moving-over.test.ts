import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {tryHosts} from '../../src/sources/pg/connection-test.ts'
import {failureFrom} from '../../src/sources/pg/failure.ts'
import {systemClock} from '../../src/system/clock.ts'
import {workplace} from '../config/workplace.ts'
import {
  connection,
  debian,
  driverFor,
  hasDebian,
  type Server,
  startServer,
  until,
  within,
  writeOwned,
} from './pg-server.ts'

/** What an installation brings along that worked with psql or with another program. */
describe.skipIf(!hasDebian)('moving over', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
    server.sql(
      "create role pw login password 'p?w'; create role reader login; create role weak; " +
        'grant pg_read_all_stats to reader; grant weak to reader',
    )
    server.sql('create database narrow')
    server.hba('host all pw all scram-sha-256', 'host all all all trust')
  })
  const to = (dsn: string, env = {}) => ({dsn, env})
  const psql = ({dsn, env}: ReturnType<typeof to>) => {
    try {
      return execFileSync(join(debian, 'psql'), ['-X', '-w', '-Atc', 'select current_user', dsn], {
        env: {PATH: process.env.PATH, ...env},
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    } catch {
      return 'refused'
    }
  }
  const trial = async ({dsn, env}: ReturnType<typeof to>) => {
    await using place = await workplace()
    const config = await place.dsn(dsn, env)
    const probe = {...config.probe, timeoutMs: 60_000, connectTimeoutMs: 60_000}
    const [found] = await tryHosts({...config, probe}, systemClock)
    if (found === undefined) throw new Error('the string names no host')
    return found
  }

  test('a password with "?" in a URI, as libpq reads it', async () => {
    const uri = to(`postgres://pw:p?w@127.0.0.1:${server.port}/postgres`)
    expect([psql(uri), (await trial(uri)).kind]).toEqual(['pw', 'reached'])
  })

  test.each([
    ['127.0.0.1', 'pw', 'reached'],
    ['localhost', 'refused', 'failed'],
  ] as const)('.pgpass has %s, and hostaddr alone is given: as psql', async (host, byPsql, ours) => {
    const passfile = join(server.dir, `pass-${host}`)
    writeOwned(passfile, `${host}:*:*:pw:p?w\n`)
    execFileSync('chown', [`${process.getuid?.()}`, passfile])
    const dsn = to(`hostaddr=127.0.0.1 port=${server.port} user=pw dbname=postgres passfile=${passfile}`)
    expect([psql(dsn), (await trial(dsn)).kind]).toEqual([byPsql, ours])
  })

  test('ALTER ROLE … SET role: the session keeps the rights of its login', async () => {
    server.sql('alter role reader set role = weak')
    const dsn = to(`postgres://reader@127.0.0.1:${server.port}/postgres`)
    expect(psql(dsn)).toBe('weak')
    expect(await trial(dsn)).toMatchObject({kind: 'reached', remarks: []})
  })

  test.each([
    ['role', 'alter role weak login connection limit 0', 'weak', 'postgres', /role "weak" has all .*CONNECTION LIMIT/],
    ['database', 'alter database narrow connection limit 0', 'reader', 'narrow', /database "narrow" has all/],
  ] as const)(
    "53300 by the %s's own limit is for the operator to raise: blind, not full",
    async (_, sql, user, dbname, says) => {
      server.sql(sql)
      const session = await driverFor({port: server.port, user, dbname}).open(within())
      expect(session).toMatchObject({cause: 'auth', detail: expect.stringMatching(says)})
    },
  )

  test('53300 of a server that is full stays what it is', () => {
    const full = Object.assign(new Error('sorry'), {code: '53300', severity: 'FATAL', routine: 'InitProcess'})
    expect(failureFrom(full, connection())).toMatchObject({cause: 'too-many-connections'})
  })

  test('log_connections = on: a line per knock, which config check --connect says', async () => {
    const dsn = to(`postgres://postgres@127.0.0.1:${server.port}/postgres`)
    expect(await trial(dsn)).toMatchObject({notes: []})
    server.sql('alter system set log_connections = on')
    server.sql('select pg_reload_conf()')
    const driver = driverFor({port: server.port})
    const session = await driver.open(within())
    if (isFailure(session)) throw new Error(session.detail)
    expect(session.facts.logsKnocks).toBe(true)
    const lines = () =>
      readFileSync(join(server.dir, 'log'), 'utf8').match(/connection received: host=127/g)?.length ?? 0
    const before = lines()
    await driver.knock(within())
    await until(lines, (now) => now === before + 1)
    session.close()
    expect(await trial(dsn)).toMatchObject({
      kind: 'reached',
      remarks: [],
      notes: [expect.stringMatching(/log_connections is on.*every 10s: probe\.logged_knock_interval/)],
    })
  })
})
