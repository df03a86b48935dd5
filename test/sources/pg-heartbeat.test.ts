import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'
import {beforeAll, describe, expect, test} from 'vitest'
import {noMeter} from '../../src/core/no-meter.ts'
import type {HeartbeatAnswer} from '../../src/core/ports.ts'
import type {ProbeSettings} from '../../src/core/settings.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {startMonitor} from '../../src/monitor/monitor.ts'
import {keptLog} from '../support/fake-source.ts'
import {hostSettings, monitorSettings} from '../support/settings.ts'
import {
  clock,
  driverFor,
  hasDebian,
  type Server,
  spawnOwned,
  startServer,
  startStandby,
  until,
  whileFrozen,
  within,
} from './pg-server.ts'

describe.skipIf(!hasDebian)('a heartbeat', () => {
  let primary: Server
  let standby: Server
  beforeAll(async () => {
    primary = await startServer()
    primary.sql('create role beater login; grant pg_read_all_stats to beater')
    standby = await startStandby(primary)
  })
  type Asked = Readonly<{user?: string; primary?: boolean; limits?: Partial<ProbeSettings>}>
  const beat = async (server: Server, {user = 'postgres', primary = true, limits = {}}: Asked = {}) => {
    const driver = driverFor({port: server.port, user}, limits)
    const answer = await driver.heartbeat({primary}, within())
    await driver.close()
    return answer
  }
  /** Holds the table until it is told to let go. */
  const holding = async (server: Server) => {
    const lock = ['-c', 'begin', '-c', 'lock table pgr66_avc', '-c', 'select pg_sleep(60)']
    const holder = spawnOwned('psql', [
      ...['-X', '-h', server.dir, '-p', String(server.port), '-U', 'postgres', 'postgres'],
      ...lock,
    ])
    await until(
      () =>
        server.sql(
          `select count(*) from pg_locks
           where relation = 'pgr66_avc'::regclass and mode = 'AccessExclusiveLock' and granted`,
        ),
      (count) => count === '1',
    )
    return async () => {
      server.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`,
      )
      await new Promise((resolve) => (holder.exitCode === null ? holder.once('exit', resolve) : resolve(null)))
    }
  }

  test('no table, and the role may not create one: the answer is the SQL to run, and nothing is logged', async () => {
    let answer: HeartbeatAnswer | null = null
    const logged = await primary.logDuring(async () => {
      answer = await beat(primary, {user: 'beater'})
    })
    expect(answer).toMatchObject({
      kind: 'missing',
      detail: expect.stringContaining('create table if not exists "public"."pgr66_avc"'),
    })
    expect(logged).toEqual([])
    expect(await beat(standby, {primary: false})).toMatchObject({kind: 'missing'})
    // What the answer says to run does the job.
    primary.sql((answer as unknown as {detail: string}).detail.split('run: ')[1] ?? '')
    expect(await beat(primary, {user: 'beater'})).toEqual({kind: 'beat'})
    primary.sql('drop table pgr66_avc')
  })

  test('the primary creates the table with one row and beats; the standby tells the age of the beat', async () => {
    const begun = performance.now()
    expect(await beat(primary)).toEqual({kind: 'beat'})
    expect(await beat(primary)).toEqual({kind: 'beat'})
    expect(primary.sql('select count(*) from pgr66_avc')).toBe('1')
    const read = await until(
      () => beat(standby, {primary: false}),
      ({kind}) => kind === 'read',
    )
    const {delayMs} = read as Extract<HeartbeatAnswer, {kind: 'read'}>
    expect(delayMs).toBeGreaterThan(0)
    expect(delayMs).toBeLessThan(performance.now() - begun)
  })

  test("a heartbeat works in the original's own table, and after its row was deleted", async () => {
    primary.sql(
      'drop table pgr66_avc; create table pgr66_avc (pgr66_avc timestamp); insert into pgr66_avc values (now())',
    )
    expect(await beat(primary)).toEqual({kind: 'beat'})
    primary.sql('delete from pgr66_avc')
    expect(await beat(primary)).toEqual({kind: 'beat'})
    // A wrong time zone would be half an hour at least.
    expect(Number(primary.sql("select extract('epoch' from (now()-pgr66_avc)) from pgr66_avc"))).toBeLessThan(600)
  })

  test('a standby that is asked to write: silent', async () => {
    expect(await beat(standby)).toMatchObject({kind: 'silent'})
  })

  test('another transaction locks the table: the heartbeat is silent, and not hung', async () => {
    const release = await holding(primary)
    const limits = {timeoutMs: 5000}
    expect(await beat(primary, {limits})).toMatchObject({kind: 'silent', detail: expect.stringContaining('55P03')})
    await release()
    expect(await beat(primary)).toEqual({kind: 'beat'})
  })

  test('a synchronous standby that is away: the primary still beats', async () => {
    primary.sql("alter system set synchronous_standby_names = 'absent'")
    primary.sql('select pg_reload_conf()')
    await until(
      () => primary.sql('show synchronous_standby_names'),
      (now) => now === 'absent',
    )
    expect(await beat(primary)).toEqual({kind: 'beat'})
    primary.sql('alter system reset synchronous_standby_names')
    primary.sql('select pg_reload_conf()')
  })

  test('a frozen backend: hung, and the next heartbeat opens a session of its own', async () => {
    const driver = driverFor({port: primary.port})
    const backends = () =>
      primary
        .sql("select pid from pg_stat_activity where application_name = 'pgroute66'")
        .split('\n')
        .filter((pid) => pid !== '')
        .map(Number)
    await until(backends, (left) => left.length === 0)
    const frozen: number[] = []
    for (let again = 0; again < 2; again += 1) {
      expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
      const [pid] = backends().filter((one) => !frozen.includes(one))
      frozen.push(pid as number)
      primary.signal('SIGSTOP', [pid as number])
      expect(await driver.heartbeat({primary: true}, within(300))).toMatchObject({kind: 'failure', cause: 'hung'})
    }
    expect(backends().sort()).toEqual(frozen.sort())
    primary.signal('SIGCONT', frozen)
    expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
    await driver.close()
    await until(backends, (left) => left.length === 0)
  })

  test('the driver closed its sessions: the next heartbeat opens one of its own', async () => {
    const driver = driverFor({port: primary.port})
    expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
    await driver.close()
    expect(await driver.heartbeat({primary: true}, within())).toEqual({kind: 'beat'})
    await driver.close()
  })

  test('a frozen server: every heartbeat is hung', async () => {
    const driver = driverFor({port: standby.port})
    expect(await driver.heartbeat({primary: true}, within())).toMatchObject({kind: 'silent'})
    await whileFrozen(standby, standby.pids(), async () => {
      for (let again = 0; again < 3; again += 1)
        expect(await driver.heartbeat({primary: true}, within(100))).toMatchObject({cause: 'hung'})
    })
    await driver.close()
  })

  test('a distant host: a session opens within connect_timeout, and a beat takes up to probe.timeout', async () => {
    // A session takes three round trips, TLS refused among them; a beat takes two.
    const oneWayMs = 500
    const limits = {timeoutMs: 2500, connectTimeoutMs: 30_000, maxAgeMs: 10_000}
    const later = (from: Socket, to: Socket) => {
      from
        .on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), oneWayMs))
        .on('error', () => to.destroy())
      from.on('end', () => setTimeout(() => to.end(), oneWayMs))
    }
    const proxy = createServer((near) => {
      const far = connect(primary.port, '127.0.0.1')
      later(near, far)
      later(far, near)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const {port} = proxy.address() as AddressInfo
    const availability = {intervalMs: 1_000, table: 'public.pgr66_avc', limitMs: 10_000}
    const settings = monitorSettings([hostSettings('host1', {port, sslmode: 'prefer'})], {availability, probe: limits})
    const store = {load: async () => nothingRemembered, save: async () => {}}
    const driver = () => driverFor({port, sslmode: 'prefer'}, limits)
    const monitor = await startMonitor({
      settings,
      driver,
      clock,
      random: Math.random,
      store,
      log: keptLog(),
      meter: noMeter,
      version: 'test',
    })
    await until(
      () => monitor.current().hosts.host1?.availability?.kind,
      (kind) => kind === 'ok',
    )
    expect(monitor.current().hosts.host1?.role).toBe('primary')
    await monitor[Symbol.asyncDispose]()
    proxy.close()
  })
})
