import {execFileSync, spawnSync} from 'node:child_process'
import {chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import {loadConfig} from '../../src/config/load.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {isFailure} from '../../src/core/ports.ts'
import {rows} from './keyword-rows.ts'
import {authority} from './pg-certificates.ts'
import {directory, driverFor, hasDebian, type Server, startServer, until, within, writeOwned} from './pg-server.ts'

describe.skipIf(!hasDebian)('a keyword of libpq', () => {
  let server: Server
  const dir = directory()
  const base = () => `host=127.0.0.1 port=${server.port} user=scram password=geheim66 dbname=postgres `
  const filled = (text: string) => text.replaceAll('DIR', dir).replaceAll('SOCKET', server.dir)
  const environment = (env: object = {}) => ({
    HOME: dir,
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(String(value))])),
  })

  beforeAll(async () => {
    server = await startServer()
    for (const sql of [
      "create role scram login password 'geheim66'; create role tlsonly login password 'geheim66'",
      "create role plainonly login password 'geheim66'; create role clear login password 'geheim66'",
      'create role trusted login; create role certer login',
      "create role old login password 'geheim66'",
      "set password_encryption = md5; create role md5er login password 'geheim66'",
    ])
      server.sql(sql)
    const ca = authority(dir)
    const {cert, key} = ca.issue('server', 'db.test', 'DNS:db.test,IP:127.0.0.1')
    ca.issue('certer', 'certer', null)
    ca.revoke(cert)
    const openssl = (...args: string[]) => execFileSync('openssl', args, {cwd: dir, encoding: 'utf8'}).trim()
    openssl('ec', '-in', 'certer.key', '-aes256', '-passout', 'pass:open', '-out', 'locked.key')
    for (const file of ['certer.key', 'locked.key']) chmodSync(join(dir, file), 0o600)
    copyFileSync(join(dir, 'certer.key'), join(dir, 'open.key'))
    chmodSync(join(dir, 'open.key'), 0o644)
    for (const folder of ['crls', 'none']) mkdirSync(join(dir, folder))
    const hash = openssl('crl', '-in', 'ca.crl', '-noout', '-hash')
    copyFileSync(join(dir, 'ca.crl'), join(dir, 'crls', `${hash}.r0`))
    writeFileSync(join(dir, 'services.conf'), '[mine]\nclient_encoding=UTF8\n[strict]\nsslmode=require\n')
    writeOwned(join(dir, 'pgpass'), '*:*:*:scram:geheim66\n')
    copyFileSync(join(dir, 'pgpass'), join(dir, 'own-pgpass'))
    execFileSync('chown', [`${process.getuid?.()}`, join(dir, 'pgpass')])
    for (const [name, from] of Object.entries({'s.pem': cert, 's.key': key, 'root.pem': ca.root}))
      writeOwned(join(server.dir, name), readFileSync(from))
    server.hba(
      ...['clear password', 'md5er md5', 'trusted trust', 'scram scram-sha-256', 'old scram-sha-256'].map(
        (line) => `host all ${line.replace(' ', ' 127.0.0.1/32 ')}`,
      ),
      'hostssl all tlsonly 127.0.0.1/32 scram-sha-256',
      'hostnossl all plainonly 127.0.0.1/32 scram-sha-256',
      'hostssl all certer 127.0.0.1/32 cert',
    )
    for (const set of [
      `ssl_cert_file = '${server.dir}/s.pem'`,
      `ssl_key_file = '${server.dir}/s.key'`,
      `ssl_ca_file = '${server.dir}/root.pem'`,
      'ssl = on',
    ])
      server.sql(`alter system set ${set}`)
    server.sql('select pg_reload_conf()')
    await until(
      () => server.sql('show ssl'),
      (now) => now === 'on',
    )
  })

  async function outcome(dsn: string, env: object | undefined): Promise<string> {
    try {
      const {hosts} = await loadConfig({dsns: [dsn], env: environment(env), cwd: dir})
      const session = await driverFor(hosts[0]?.connection ?? {}).open(within())
      if (isFailure(session)) return session.detail
      session.close()
      return 'ok'
    } catch (error) {
      if (error instanceof OperatorError) return `${error.code}: ${error.message}`
      throw error
    }
  }
  const psql = (dsn: string, env: object | undefined) =>
    spawnSync('psql', [dsn, '-XAtwc', 'select 1'], {
      env: {...environment(env), PATH: process.env.PATH},
      encoding: 'utf8',
    })

  test.each(rows)('$dsn $env: $is', async ({dsn, is, at, env, differs, new: isNew}) => {
    const host = env !== undefined && 'PGHOST' in env ? base().replace('host=127.0.0.1 ', '') : base()
    const whole = filled(host + dsn)
    const found = await outcome(whole, env)
    expect(found).toMatch(is === 'ok' ? /^ok$/ : (at ?? /^$/))
    if (is === 'refused') expect(found).not.toBe('ok')
    expect(found).not.toContain('geheim66')
    if (isNew || differs !== undefined) return
    const {status, stderr} = psql(whole, env)
    expect(status === 0 ? 'ok' : 'refused', stderr).toBe(is)
  })

  test('an unencrypted offer to a server that knows TLS 1.2 alone: the oldest version counts', async () => {
    server.sql("alter system set ssl_max_protocol_version = 'TLSv1.2'; ")
    server.sql('select pg_reload_conf()')
    try {
      const dsn = `${base()} sslmode=require`
      await until(
        () => outcome(`${dsn} ssl_min_protocol_version=TLSv1.3`, {}),
        (now) => now !== 'ok',
      )
      expect(psql(`${dsn} ssl_min_protocol_version=TLSv1.3`, {}).status).not.toBe(0)
      expect(await outcome(dsn, {})).toBe('ok')
    } finally {
      server.sql('alter system reset ssl_max_protocol_version')
      server.sql('select pg_reload_conf()')
    }
  })

  test('md5 works, and the operator is told once', async () => {
    const told: string[] = []
    const {hosts} = await loadConfig({dsns: [`${base()} user=md5er`], env: environment(), cwd: dir})
    const driver = driverFor(hosts[0]?.connection ?? {}, {}, (text) => told.push(text))
    for (const _ of [1, 2]) {
      const session = await driver.open(within())
      if (!isFailure(session)) session.close()
    }
    expect(told).toEqual([expect.stringContaining('password of user "md5er" by md5')])
  })
})
