import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {isFine, trialText} from '../../src/app/cli/connection-test-text.ts'
import {tryHosts} from '../../src/sources/pg/connection-test.ts'
import {systemClock} from '../../src/system/clock.ts'
import {freePort, hasDebian, type Server, startServer} from '../sources/pg-server.ts'
import {workplace} from './workplace.ts'

describe.skipIf(!hasDebian)('config check --connect', () => {
  let one: Server
  let other: Server
  beforeAll(async () => {
    ;[one, other] = await Promise.all([startServer(), startServer()])
    for (const server of [one, other])
      server.sql('create role reader login; create role plain login; grant pg_read_all_stats to reader')
  })
  afterAll(() => {
    one.destroy()
    other.destroy()
  })
  const trial = async (dsn: string) => {
    await using place = await workplace()
    const config = await place.dsn(dsn)
    // The limits of the product, 1 s and 3 s, are not the subject: a busy machine exceeds them.
    const probe = {...config.probe, timeoutMs: 60_000, connectTimeoutMs: 60_000}
    return tryHosts({...config, probe}, systemClock)
  }
  const at = ({port}: Server) => `127.0.0.1:${port}`

  test('a host with every right: role, version, timeline and system identifier, and no remark', async () => {
    const trials = await trial(`postgres://reader@${at(one)}/postgres`)
    const systemIdentifier = one.sql('select system_identifier from pg_control_system()')
    expect(trials).toEqual([
      {
        host: '127.0.0.1',
        kind: 'reached',
        role: 'primary',
        serverVersion: expect.any(Number),
        systemIdentifier,
        timeline: 1,
        remarks: [],
        notes: [],
      },
    ])
    expect(isFine(trials)).toBe(true)
    expect(trialText(trials)).toMatch(
      /^127\.0\.0\.1 {2}primary, PostgreSQL 15\.\d+, timeline 1, system identifier \d+$/,
    )
  })

  test('a role without pg_read_all_stats, and one that may not log in', async () => {
    const [plain] = await trial(`postgres://plain@${at(one)}/postgres`)
    expect(plain).toMatchObject({kind: 'reached', remarks: [expect.stringContaining('pg_read_all_stats')]})
    expect(await trial(`postgres://unknown@${at(one)}/postgres`)).toMatchObject([{kind: 'failed', cause: 'auth'}])
  })

  test('one server under two names, and a server of another cluster', async () => {
    const [a, b, stranger] = await trial(
      `host=127.0.0.1,${one.dir},127.0.0.1 port=${one.port},${one.port},${other.port} user=reader dbname=postgres`,
    )
    expect(a?.remarks[0]).toContain(`the same server as ${b?.host}`)
    expect(b?.remarks[0]).toContain(`the same server as ${a?.host}`)
    expect(stranger?.remarks).toEqual([expect.stringContaining('another cluster')])
  })

  test('a host that denies a function: the remark is the exact GRANT, and no other host contradicts it', async () => {
    other.sql('revoke execute on function pg_control_system() from public')
    try {
      const trials = await trial(
        `host=127.0.0.1,${other.dir},127.0.0.1 port=${one.port},${other.port},${other.port} ` +
          'user=reader dbname=postgres',
      )
      const grant = expect.stringContaining('GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO reader;')
      const same = expect.stringContaining('the same server as')
      expect(trials.map(({remarks}) => remarks)).toEqual([[], [grant, same], [grant, same]])
      expect(trialText(trials)).toContain('system identifier unknown')
    } finally {
      other.sql('grant execute on function pg_control_system() to public')
    }
  })

  test('a host that does not run: the other hosts are tried too, and no session is left open', async () => {
    const trials = await trial(`postgres://reader@${at(one)},127.0.0.1:${await freePort()}/postgres`)
    expect(trials).toMatchObject([{kind: 'reached'}, {kind: 'failed', cause: 'refused'}])
    expect(isFine(trials)).toBe(false)
    await expect
      .poll(() => one.sql(`select count(*) from pg_stat_activity where application_name = 'pgroute66'`), {
        timeout: 30_000,
      })
      .toBe('0')
  })
})
