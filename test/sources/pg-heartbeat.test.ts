import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'
import {join} from 'node:path'
import {beforeAll, describe, expect, test} from 'vitest'
import {noMeter} from '../../src/core/no-meter.ts'
import type {HeartbeatAnswer} from '../../src/core/ports.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {startMonitor} from '../../src/monitor/monitor.ts'
import {keptLog} from '../support/fake-source.ts'
import {hostSettings, monitorSettings} from '../support/settings.ts'
import {
  clock,
  debian,
  driverFor,
  hasDebian,
  runOwned,
  type Server,
  spawnOwned,
  startServer,
  until,
  within,
} from './pg-server.ts'

describe.skipIf(!hasDebian)('a heartbeat', () => {
  let primary: Server
  let standby: Server
  beforeAll(async () => {
    primary = await startServer()
    primary.sql('create role beater login; grant pg_read_all_stats to beater')
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
  const beat = async (server: Server, change: {user?: string} = {}, primary = true) => {
    const driver = driverFor({port: server.port, ...change})
    const answer = await driver.heartbeat({primary}, within())
    await driver.close()
    return answer
  }
  /** Holds the table until it is told to let go. */
  const holding = async (server: Server) => {
    const holder = spawnOwned('psql', [
      '-X',
      '-h',
      server.dir,
      '-p',
      String(server.port),
      '-U',
      'postgres',
      'postgres',
      '-c',
      'begin',
      '-c',
      'lock table pgr66_avc',
      '-c',
      'select pg_sleep(60)',
    ])
    await until(
      () =>
        server.sql(
          "select count(*) from pg_locks where relation = 'pgr66_avc'::regclass and mode = 'AccessExclusiveLock' and granted",
        ),
      (count) => count === '1',
    )
    return async () => {
      server.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
      )
      await new Promise((resolve) => (holder.exitCode === null ? holder.once('exit', resolve) : resolve(null)))
    }
  }

  test('without the table and the right to create it: what to run; and nothing is logged for it', async () => {
    const before = primary.log()
    const answer = await beat(primary, {user: 'beater'})
    expect(answer).toMatchObject({
      kind: 'missing',
      detail: expect.stringContaining('create table if not exists "public"."pgr66_avc"'),
    })
    expect(await beat(standby, {}, false)).toMatchObject({kind: 'missing'})
    expect(primary.log()).toBe(before)
    // What it says to run does the job.
    primary.sql((answer as {detail: string}).detail.split('run: ')[1] ?? '')
    expect(await beat(primary, {user: 'beater'})).toEqual({kind: 'beat'})
    primary.sql('drop table pgr66_avc')
  })

  test('creates the table with its row, and beats; the standby tells the age', async () => {
    expect(await beat(primary)).toEqual({kind: 'beat'})
    expect(await beat(primary)).toEqual({kind: 'beat'})
    expect(primary.sql('select count(*) from pgr66_avc')).toBe('1')
    const read = await until(
      () => beat(standby, {}, false),
      ({kind}) => kind === 'read',
    )
    expect((read as Extract<HeartbeatAnswer, {kind: 'read'}>).delayMs).toBeLessThan(5000)
  })

  test("in the original's own table, and after its row was deleted", async () => {
    primary.sql(
      'drop table pgr66_avc; create table pgr66_avc (pgr66_avc timestamp); insert into pgr66_avc values (now())',
    )
    expect(await beat(primary)).toEqual({kind: 'beat'})
    primary.sql('delete from pgr66_avc')
    expect(await beat(primary)).toEqual({kind: 'beat'})
    expect(Number(primary.sql("select extract('epoch' from (now()-pgr66_avc)) from pgr66_avc"))).toBeLessThan(5)
  })

  test('a standby that is asked to write says nothing of it', async () => {
    expect(await beat(standby)).toMatchObject({kind: 'silent'})
  })

  test('a lock is silence, not a hang', async () => {
    const release = await holding(primary)
    expect(await beat(primary)).toMatchObject({kind: 'silent', detail: expect.stringContaining('55P03')})
    await release()
    expect(await beat(primary)).toEqual({kind: 'beat'})
  })

  test('a synchronous standby that is away does not make the primary look hung', async () => {
    primary.sql("alter system set synchronous_standby_names = 'nobody'")
    primary.sql('select pg_reload_conf()')
    await until(
      () => primary.sql('show synchronous_standby_names'),
      (now) => now === 'nobody',
    )
    expect(await beat(primary)).toEqual({kind: 'beat'})
    primary.sql('alter system reset synchronous_standby_names')
    primary.sql('select pg_reload_conf()')
  })

  test('a frozen backend: hung; two are left behind, then it waits; and it beats again', async () => {
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

  test('a frozen server: never more than the allowed backends, and an answer without waiting', async () => {
    const driver = driverFor({port: standby.port})
    expect(await driver.heartbeat({primary: true}, within())).toMatchObject({kind: 'silent'})
    standby.signal('SIGSTOP')
    for (let again = 0; again < 3; again += 1)
      expect(await driver.heartbeat({primary: true}, within(100))).toMatchObject({cause: 'hung'})
    standby.signal('SIGCONT')
    await driver.close()
  })

  test('a distant host: the session for it takes longer than a beat may, and is not begun anew each time', async () => {
    const oneWayMs = 200
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
    // Asked for TLS first, which is a round trip more.
    const settings = monitorSettings([hostSettings('host1', {port, sslmode: 'prefer'})], {availability})
    const store = {load: async () => nothingRemembered, save: async () => {}}
    const driver = () => driverFor({port, sslmode: 'prefer'})
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
