import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import type {Facts, Failure} from '../../src/core/facts/observation.ts'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import {driverFor, hasDebian, type Server, startServer, startStandby, until, whileFrozen, within} from './pg-server.ts'

const opened = async (change: Parameters<typeof driverFor>[0]): Promise<HostSession> => {
  const session = await driverFor(change).open(within())
  if (isFailure(session)) throw new Error(`${session.cause}: ${session.detail}`)
  onTestFinished(() => session.close())
  return session
}
const probed = async (session: HostSession, nudge = false): Promise<Facts> => {
  const facts = await session.probe({nudge}, within())
  if (isFailure(facts)) throw new Error(`${facts.cause}: ${facts.detail}`)
  return facts
}
const complaints = (lines: readonly string[]) =>
  lines.filter((line) => /FATAL|ERROR|WARNING|unexpected|could not/.test(line))
const closing = (session: HostSession) => new Promise<Failure>((resolve) => session.onClosed(resolve))

describe.skipIf(!hasDebian)('a session', () => {
  let primary: Server
  let standby: Server

  beforeAll(async () => {
    primary = await startServer()
    primary.sql('create role reader login; create role plain login; grant pg_read_all_stats to reader')
    standby = await startStandby(primary)
  })

  test('a closed driver opens sessions again: a host comes back after a shutdown', async () => {
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

  test('a new session: tells once what the server is', async () => {
    const session = await opened({port: primary.port, applicationName: 'told once'})
    expect(session.facts).toMatchObject({
      systemIdentifier: primary.sql('select system_identifier from pg_control_system()'),
      serverVersion: Number(primary.sql('show server_version_num')),
      clusterName: 'test',
      backendPid: Number(primary.sql("select pid from pg_stat_activity where application_name = 'told once'")),
      remoteAddress: '127.0.0.1',
    })
    const startedAt = Number(primary.sql('select extract(epoch from pg_postmaster_start_time()) * 1000'))
    expect(Math.abs(startedAt - (session.facts.startedAt ?? 0))).toBeLessThanOrEqual(1)
    session.close()
  })

  test('pg_read_all_stats is enough to probe a primary and a standby', async () => {
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

  test('defaults of the role do not change the probe: serializable, deferrable, a limit, a search_path', async () => {
    primary.sql('create role biased login; grant pg_read_all_stats to biased')
    primary.sql(`create schema biased create view pg_stat_wal_receiver as select 1 as bait`)
    primary.sql(`create function biased.pg_backend_pid() returns int language sql as 'select 1'`)
    primary.sql('grant usage on schema biased to biased')
    for (const setting of [
      'default_transaction_isolation = serializable',
      'default_transaction_deferrable = on',
      'default_transaction_read_only = on',
      'statement_timeout = 1',
      'search_path = biased, pg_catalog',
    ])
      primary.sql(`alter role biased set ${setting}`)
    // A session that begins before the settings have reached the standby does not have them.
    await until(
      () =>
        standby.sql(`select count(*) from pg_db_role_setting s, pg_roles r
          where s.setrole = r.oid and rolname = 'biased' and array_length(setconfig, 1) = 5`),
      (count) => count === '1',
    )
    // A transaction that a deferrable one has to wait for.
    const {Client} = await import('pg')
    const blocker = new Client({host: primary.dir, port: primary.port, user: 'postgres', database: 'postgres'})
    await blocker.connect()
    await blocker.query('begin isolation level serializable')
    await blocker.query('create table busy as select 1')
    for (const {server, inRecovery} of [
      {server: primary, inRecovery: false},
      {server: standby, inRecovery: true},
    ]) {
      const session = await opened({port: server.port, user: 'biased'})
      // Read-only by the role is our own business: a client of another role may write.
      expect(await probed(session)).toMatchObject({inRecovery, readOnly: inRecovery})
      session.close()
      expect(complaints(await server.logOf(session.facts.backendPid))).toEqual([])
    }
    await blocker.end()
  })

  test('a role without pg_read_all_stats: the receiver has a row, and null in its columns', async () => {
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
      lastMessageSentMs: null,
      latestEndLsn: null,
    })
    expect(facts.backendsUsed).toBeNull()
    session.close()
  })

  test('a nudge: the standby hears from its primary long before the next keepalive, without any write', async () => {
    const [up, down] = [await opened({port: primary.port, user: 'plain'}), await opened({port: standby.port})]
    // Silence first, longer than the age below.
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
    // PostgreSQL sends a keepalive after 30 s (half of wal_sender_timeout).
    expect(performance.now() - asked).toBeLessThan(20_000)
    up.close()
    down.close()
  })

  test('a delayed standby: the probe says by how much, without any privilege, and forgets it at once', async () => {
    standby.sql("alter system set recovery_min_apply_delay = '1h'")
    standby.sql('select pg_reload_conf()')
    const session = await opened({port: standby.port, user: 'plain', options: '-c IntervalStyle=sql_standard'})
    await until(
      () => probed(session),
      ({applyDelayMs}) => applyDelayMs === 3_600_000,
    )
    standby.sql('alter system reset recovery_min_apply_delay')
    standby.sql('select pg_reload_conf()')
    await until(
      () => probed(session),
      ({applyDelayMs}) => applyDelayMs === 0,
    )
    expect(await probed(await opened({port: primary.port}))).toMatchObject({applyDelayMs: null})
    session.close()
  })

  test('a primary that is read-only by default: the probe says so, and a nudge works', async () => {
    primary.sql('alter system set default_transaction_read_only = on')
    primary.sql('select pg_reload_conf()')
    const session = await opened({port: primary.port, user: 'reader'})
    await until(
      () => probed(session, true),
      ({inRecovery, readOnly}) => !inRecovery && readOnly === true,
    )
    primary.sql('alter system reset default_transaction_read_only')
    primary.sql('select pg_reload_conf()')
    session.close()
  })

  test('hasBackend: a pid and its start are compared, and without the privilege the answer is null', async () => {
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

  test('pg_terminate_backend: the session reports its end at once with the SQLSTATE; later calls fail', async () => {
    const session = await opened({port: primary.port})
    const told = closing(session)
    primary.sql(`select pg_terminate_backend(${session.facts.backendPid})`)
    expect(await told).toEqual({cause: 'closed', isOrdered: true, detail: expect.stringContaining('57P01')})
    expect(await session.probe({nudge: false}, within())).toMatchObject({cause: 'closed'})
    expect(complaints(await primary.logOf(session.facts.backendPid))).toEqual([
      expect.stringContaining('terminating connection due to administrator command'),
    ])
  })

  test('close: the listener is not called, and no backend is left', async () => {
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

  test('a frozen server: probe and open end with their signals', async () => {
    const session = await opened({port: standby.port})
    await whileFrozen(standby, standby.pids(), async () => {
      const asked = performance.now()
      expect(await session.probe({nudge: false}, within(300))).toMatchObject({cause: 'timeout'})
      expect(await driverFor({port: standby.port}).open(within(300))).toMatchObject({cause: 'timeout'})
      expect(performance.now() - asked).toBeLessThan(30_000)
    })
  })

  test.each(['primary', 'standby'] as const)('PostgreSQL logs nothing during a whole session: %s', async (role) => {
    const server = {primary, standby}[role]
    const session = await opened({port: server.port})
    const {backendPid, backendStart} = session.facts
    for (const nudge of [false, true, false]) await probed(session, nudge)
    expect(await session.hasBackend(backendPid, backendStart ?? '', within())).toBe(true)
    session.close()
    expect(await server.logOf(backendPid)).toEqual([])
  })

  test('a promotion: the session lives on, and sees the new timeline', async () => {
    const session = await opened({port: standby.port})
    standby.sql('select pg_promote(false)')
    const facts = await until(
      () => probed(session),
      ({inRecovery}) => !inRecovery,
    )
    expect(facts.timeline).toBe(2)
    session.close()
  })

  test('a killed postmaster: the session is closed at once, and a new one is refused', async () => {
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
