import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import type {Facts, Failure} from '../../src/core/facts/observation.ts'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import {debian, driverFor, hasDebian, runOwned, type Server, startServer, until, within} from './pg-server.ts'

const opened = async (change: Parameters<typeof driverFor>[0]): Promise<HostSession> => {
  const session = await driverFor(change).open(within())
  if (isFailure(session)) throw new Error(`${session.cause}: ${session.detail}`)
  return session
}
const probed = async (session: HostSession, nudge = false): Promise<Facts> => {
  const facts = await session.probe({nudge}, within())
  if (isFailure(facts)) throw new Error(`${facts.cause}: ${facts.detail}`)
  return facts
}
const closing = (session: HostSession) => new Promise<Failure>((resolve) => session.onClosed(resolve))

describe.skipIf(!hasDebian)('a session with PostgreSQL', () => {
  let primary: Server
  let standby: Server

  beforeAll(async () => {
    primary = await startServer()
    primary.sql('create role reader login; create role plain login; grant pg_read_all_stats to reader')
    standby = await startServer(debian, (data) =>
      runOwned(join(debian, 'pg_basebackup'), [
        '-h',
        primary.dir,
        '-p',
        String(primary.port),
        '-U',
        'postgres',
        '-D',
        data,
        '-R',
        '-c',
        'fast',
      ]),
    )
  })

  test('a driver that was closed may be used again: a host that was left for its shutdown comes back', async () => {
    const driver = driverFor({port: primary.port})
    expect(isFailure(await driver.open(within()))).toBe(false)
    await driver.close()
    const again = await driver.open(within())
    if (isFailure(again)) throw new Error(again.detail)
    expect(isFailure(await again.probe({nudge: false}, within()))).toBe(false)
    const late = driver.open(within())
    await driver.close()
    const session = await late
    if (!isFailure(session)) expect(isFailure(await session.probe({nudge: false}, within()))).toBe(true)
  })

  test('tells what the server is, once', async () => {
    const session = await opened({port: primary.port})
    expect(session.facts).toMatchObject({
      systemIdentifier: primary.sql('select system_identifier from pg_control_system()'),
      serverVersion: Number(primary.sql('show server_version_num')),
      clusterName: 'test',
      backendPid: Number(primary.sql("select pid from pg_stat_activity where application_name = 'pgroute66'")),
      remoteAddress: '127.0.0.1',
    })
    expect(Math.abs(Date.now() - (session.facts.startedAt ?? 0))).toBeLessThan(120_000)
    session.close()
  })

  test('primary and standby, by a role with no more than pg_read_all_stats', async () => {
    const [up, down] = [
      await opened({port: primary.port, user: 'reader'}),
      await opened({port: standby.port, user: 'reader'}),
    ]
    const below = await until(
      () => probed(down),
      ({receiver}) => receiver?.status === 'streaming',
    )
    expect(below).toMatchObject({inRecovery: true, timeline: 1, readOnly: true, replayPaused: false})
    expect(below.receiver).toMatchObject({senderPort: primary.port, receivedTimeline: 1})
    const above = await until(
      () => probed(up),
      ({senders}) => senders.length > 0,
    )
    expect(above).toMatchObject({
      inRecovery: false,
      timeline: 1,
      readOnly: false,
      receiver: null,
      receiveLsn: null,
      backendsMax: 20,
    })
    expect(above.senders[0]).toMatchObject({applicationName: 'test', state: 'streaming', syncState: 'async'})
    expect(above.backendsUsed).toBeGreaterThanOrEqual(1)
    up.close()
    down.close()
  })

  test('a role that is serializable by default is no reason to know nothing of a standby', async () => {
    primary.sql('alter role reader set default_transaction_isolation = serializable')
    const session = await until(
      () => opened({port: standby.port, user: 'reader'}),
      () =>
        standby.sql("select count(*) from pg_db_role_setting s, unnest(setconfig) c where c like '%serializable'") ===
        '1',
    )
    expect(await probed(session)).toMatchObject({inRecovery: true})
    session.close()
    primary.sql('alter role reader reset default_transaction_isolation')
  })

  test('a role without pg_read_all_stats is blind: the row is there, its columns are null', async () => {
    const session = await opened({port: standby.port, user: 'plain'})
    const facts = await until(
      () => probed(session),
      ({receiver}) => receiver !== null,
    )
    expect(facts.receiver).toEqual({
      status: null,
      senderHost: null,
      senderPort: null,
      receivedTimeline: null,
      lastMessageAgeMs: null,
      latestEndLsn: null,
    })
    expect(facts.backendsUsed).toBeNull()
    session.close()
  })

  test('a nudged primary is heard of by its standby within a second, though nobody writes', async () => {
    const [up, down] = [await opened({port: primary.port, user: 'plain'}), await opened({port: standby.port})]
    // Silence first: longer than what we want to see undercut.
    await until(
      () => probed(down),
      ({receiver}) => (receiver?.lastMessageAgeMs ?? 0) > 1500,
    )
    await probed(up, true)
    const asked = performance.now()
    await until(
      () => probed(down),
      ({receiver}) => (receiver?.lastMessageAgeMs ?? 9999) < 1000,
    )
    expect(performance.now() - asked).toBeLessThan(1000)
    up.close()
    down.close()
  })

  test('a primary that is read-only by default says so, and can be nudged', async () => {
    primary.sql('alter role reader set default_transaction_read_only = on')
    const session = await opened({port: primary.port, user: 'reader'})
    expect(await probed(session, true)).toMatchObject({inRecovery: false, readOnly: true})
    primary.sql('alter role reader reset default_transaction_read_only')
    session.close()
  })

  test('knows its own backends, and nobody else', async () => {
    const [one, other] = [
      await opened({port: primary.port, user: 'plain'}),
      await opened({port: primary.port, options: '-c TimeZone=Asia/Tokyo -c DateStyle=German'}),
    ]
    const {backendPid, backendStart} = one.facts
    expect(await other.hasBackend(backendPid, backendStart ?? '', within())).toBe(true)
    expect(await other.hasBackend(backendPid, '2001-01-01T00:00:00.000000Z', within())).toBe(false)
    expect(await other.hasBackend(1, backendStart ?? '', within())).toBe(false)
    expect(await one.hasBackend(other.facts.backendPid, other.facts.backendStart ?? '', within())).toBeNull()
    one.close()
    other.close()
    expect(await one.hasBackend(backendPid, backendStart ?? '', within())).toBeNull()
  })

  test('a terminated backend is told at once, with the word of the server; then every call fails', async () => {
    const session = await opened({port: primary.port})
    const told = closing(session)
    primary.sql(`select pg_terminate_backend(${session.facts.backendPid})`)
    expect(await told).toEqual({cause: 'closed', detail: expect.stringContaining('57P01')})
    expect(await session.probe({nudge: false}, within())).toMatchObject({cause: 'closed'})
  })

  test('our own close is not told, and leaves no backend', async () => {
    const session = await opened({port: primary.port})
    let calls = 0
    session.onClosed(() => {
      calls += 1
    })
    session.close()
    session.close()
    await until(
      () => primary.sql(`select count(*) from pg_stat_activity where pid = ${session.facts.backendPid}`),
      (count) => count === '0',
    )
    expect(await session.probe({nudge: false}, within())).toMatchObject({cause: 'closed'})
    expect(calls).toBe(0)
  })

  test('a frozen server: the probe ends with its signal', async () => {
    const session = await opened({port: standby.port})
    standby.signal('SIGSTOP')
    const asked = performance.now()
    expect(await session.probe({nudge: false}, within(300))).toMatchObject({cause: 'timeout'})
    expect(performance.now() - asked).toBeLessThan(600)
    expect(await driverFor({port: standby.port}).open(within(300))).toMatchObject({cause: 'timeout'})
    standby.signal('SIGCONT')
  })

  test('nothing was logged in all of this but the termination, and the one refusal of a serializable session', () => {
    expect(
      standby
        .log()
        .split('\n')
        .filter((line) => /FATAL|ERROR|unexpected|could not/.test(line)),
    ).toEqual([expect.stringContaining('cannot use serializable mode in a hot standby')])
    expect(
      primary
        .log()
        .split('\n')
        .filter((line) => /FATAL|ERROR|unexpected|could not/.test(line)),
    ).toEqual([expect.stringContaining('terminating connection due to administrator command')])
  })

  test('a session lives through a promotion, and sees the new timeline', async () => {
    const session = await opened({port: standby.port})
    standby.sql('select pg_promote(false)')
    const facts = await until(
      () => probed(session),
      ({inRecovery}) => !inRecovery,
    )
    expect(facts.timeline).toBe(2)
    session.close()
  })

  test('a killed postmaster: closed at once, then refused', async () => {
    const session = await opened({port: standby.port})
    const told = closing(session)
    const {gone} = standby
    standby.signal('SIGKILL', [standby.pid])
    expect(await told).toMatchObject({cause: 'closed'})
    await gone
    expect(await driverFor({port: standby.port}).open(within())).toMatchObject({cause: 'refused'})
    expect(await driverFor({port: standby.port}).knock(within())).toMatchObject({kind: 'failure', cause: 'refused'})
  })
})
