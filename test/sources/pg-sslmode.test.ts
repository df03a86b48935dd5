import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import type {ConnectionSettings} from '../../src/core/settings.ts'
import {authority} from './pg-certificates.ts'
import {directory, driverFor, hasDebian, type Server, startServer, until, within, writeOwned} from './pg-server.ts'

/**
 * libpq's sslmodes against a real server (PostgreSQL documentation, 34.19). `db.test` is the name
 * in the certificate.
 */
describe.skipIf(!hasDebian)('sslmode', () => {
  let server: Server
  let ca: ReturnType<typeof authority>
  let other: ReturnType<typeof authority>
  const dir = directory()

  const ssl = (certificate: {cert: string; key: string} | null) => {
    if (certificate) {
      writeOwned(join(server.dir, 's.pem'), readFileSync(certificate.cert))
      writeOwned(join(server.dir, 's.key'), readFileSync(certificate.key))
    }
    for (const set of [
      `ssl_cert_file = '${server.dir}/s.pem'`,
      `ssl_key_file = '${server.dir}/s.key'`,
      `ssl = ${certificate ? 'on' : 'off'}`,
    ])
      server.sql(`alter system set ${set}`)
    server.sql('select pg_reload_conf()')
    return until(
      () => server.sql('show ssl'),
      (now) => now === (certificate ? 'on' : 'off'),
    )
  }
  /** Is the session encrypted, or why is there none? */
  const outcome = async (change: Partial<ConnectionSettings>) => {
    const session = await driverFor({
      port: server.port,
      user: 'app',
      password: {from: 'config', text: 'secret'},
      ...change,
    }).open(within())
    if (isFailure(session)) return session
    const encrypted = server.sql(`select ssl from pg_stat_ssl where pid = ${(session as HostSession).facts.backendPid}`)
    const {certificateEndsAt: end} = session.facts
    expect(end === undefined ? 'plain' : end > Date.now()).toBe(encrypted === 't' ? true : 'plain')
    session.close()
    return encrypted === 't' ? 'encrypted' : 'plain'
  }
  const verified = (sslmode: 'require' | 'verify-ca' | 'verify-full', host: string, sslrootcert: string | null) =>
    outcome({sslmode, host, hostaddr: '127.0.0.1', sslrootcert})

  beforeAll(async () => {
    server = await startServer()
    server.sql("create role app login password 'secret'")
    server.hba('host all all 127.0.0.1/32 scram-sha-256')
    ca = authority(dir)
    other = authority(dir, 'other')
  })

  test('a server without TLS: disable, allow and prefer connect in plain; the others fail with cause tls', async () => {
    for (const sslmode of ['disable', 'allow', 'prefer'] as const) expect(await outcome({sslmode})).toBe('plain')
    expect(await outcome({sslmode: 'require'})).toMatchObject({
      cause: 'tls',
      detail: expect.stringContaining('ssl = off'),
    })
    expect(await verified('verify-full', 'db.test', ca.root)).toMatchObject({cause: 'tls'})
  })

  describe('a server with TLS', () => {
    beforeAll(() => ssl(ca.issue('server', 'db.test', 'DNS:db.test,IP:127.0.0.1')))

    test('disable and allow connect in plain, prefer and require encrypt, a unix socket is always plain', async () => {
      for (const sslmode of ['disable', 'allow'] as const) expect(await outcome({sslmode})).toBe('plain')
      for (const sslmode of ['prefer', 'require'] as const) expect(await outcome({sslmode})).toBe('encrypted')
      expect(await outcome({sslmode: 'verify-full', host: server.dir})).toBe('plain')
    })
    test('verify-full: the chain and the name', async () => {
      expect(await verified('verify-full', 'db.test', ca.root)).toBe('encrypted')
      expect(await verified('verify-full', '127.0.0.1', ca.root)).toBe('encrypted')
      expect(await verified('verify-full', 'wrong.test', ca.root)).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('not made out to "wrong.test"'),
      })
      expect(await verified('verify-full', 'db.test', other.root)).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('set sslrootcert'),
      })
    })
    test('verify-ca: the chain, and no name; require with a root file is the same', async () => {
      for (const mode of ['verify-ca', 'require'] as const) {
        expect(await verified(mode, 'wrong.test', ca.root)).toBe('encrypted')
        expect(await verified(mode, 'db.test', other.root)).toMatchObject({cause: 'tls'})
      }
    })
    test('a missing root file, or a mode too weak for sslrootcert=system: cause tls with the reason', async () => {
      expect(await verified('verify-ca', 'db.test', null)).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('set sslrootcert'),
      })
      expect(await verified('verify-ca', 'db.test', '/nowhere/ca.pem')).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('ENOENT'),
      })
      expect(await verified('require', 'db.test', 'system')).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('verify-full'),
      })
      expect(await verified('verify-full', 'db.test', 'system')).toMatchObject({cause: 'tls'})
    })
    test('a file that holds no valid certificate: cause tls', async () => {
      writeOwned(join(server.dir, 'garbage.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
      const garbage = join(server.dir, 'garbage.pem')
      expect(await verified('verify-ca', 'db.test', garbage)).toMatchObject({cause: 'tls'})
      expect(await outcome({sslmode: 'require', sslcert: garbage, sslkey: garbage})).toMatchObject({cause: 'tls'})
    })
    test('prefer falls back to plain when the handshake fails', async () => {
      expect(await outcome({sslmode: 'prefer', sslrootcert: other.root})).toBe('plain')
    })
    test('pg_hba.conf demands TLS: allow encrypts; pg_hba.conf refuses TLS: prefer connects in plain', async () => {
      server.hba('hostssl all all 127.0.0.1/32 scram-sha-256')
      expect(await outcome({sslmode: 'allow'})).toBe('encrypted')
      expect(await outcome({sslmode: 'disable'})).toMatchObject({
        cause: 'auth',
        detail: expect.stringContaining('pg_hba.conf'),
      })
      server.hba('hostnossl all all 127.0.0.1/32 scram-sha-256')
      expect(await outcome({sslmode: 'prefer'})).toBe('plain')
      expect(await outcome({sslmode: 'require'})).toMatchObject({cause: 'auth'})
      server.hba('host all all 127.0.0.1/32 scram-sha-256')
    })
    test('a revoked certificate is refused', async () => {
      const sslcrl = ca.revoke(join(dir, 'server.pem'))
      const change = {sslmode: 'verify-ca', hostaddr: '127.0.0.1', host: 'db.test', sslrootcert: ca.root} as const
      expect(await outcome({...change, sslcrl})).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('revoked'),
      })
      expect(await outcome(change)).toBe('encrypted')
    })
    test('a client certificate logs in; without one: cause auth, while a knock counts as alive', async () => {
      const client = ca.issue('client', 'app', null)
      writeOwned(join(server.dir, 'root.pem'), readFileSync(ca.root))
      server.sql(`alter system set ssl_ca_file = '${server.dir}/root.pem'`)
      server.hba('hostssl all all 127.0.0.1/32 cert')
      const files = {sslmode: 'require' as const, sslcert: client.cert, sslkey: client.key}
      expect(await outcome({...files, password: {from: 'none'}})).toBe('encrypted')
      expect(await outcome({sslmode: 'require'})).toMatchObject({cause: 'auth'})
      expect(await driverFor({port: server.port, user: 'app', sslmode: 'require'}).knock(within())).toEqual({
        kind: 'fine',
        remoteAddress: '127.0.0.1',
      })
      expect(await outcome({sslmode: 'require', sslcert: client.cert, sslkey: '/nowhere/key'})).toMatchObject({
        cause: 'tls',
        detail: expect.stringContaining('sslkey'),
      })
      server.hba('host all all 127.0.0.1/32 scram-sha-256')
    })
    test('no alternative names in a certificate: an address in the common name counts, as in libpq', async () => {
      await ssl(ca.issue('old', '127.0.0.1', null))
      // The running postmaster reads a changed file on reload, without saying when: ask until it
      // has.
      await until(
        () => verified('verify-full', '127.0.0.1', ca.root),
        (now) => now === 'encrypted',
      )
      await until(
        () => verified('verify-full', 'db.test', ca.root),
        (now) => now !== 'encrypted',
      )
    })
  })

  test('a refused login: cause auth, a detail that says what to do, and no secret', async () => {
    const wrong = await outcome({password: {from: 'config', text: 'c2VjcmV0'}})
    expect(wrong).toMatchObject({cause: 'auth', detail: expect.stringContaining('password_encoding: plain')})
    expect(JSON.stringify(wrong)).not.toContain('c2VjcmV0')
    expect(await outcome({password: {from: 'none'}})).toMatchObject({
      cause: 'auth',
      detail: expect.stringContaining('none is configured'),
    })
    expect(await outcome({password: {from: 'password_file', path: '/nowhere/password'}})).toMatchObject({
      cause: 'auth',
      detail: expect.stringContaining('cannot be read'),
    })
    expect(await outcome({user: 'unknown'})).toMatchObject({cause: 'auth'})
    expect(await outcome({dbname: 'nowhere'})).toMatchObject({
      cause: 'auth',
      detail: expect.stringContaining('"nowhere" does not exist'),
    })
  })
})
