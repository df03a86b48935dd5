import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {connect} from '../../src/connector/index.ts'
import type {ConnectOptions, Database, DatabaseOptions} from '../../src/connector/types.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {type Cluster, hostsYaml, rejoin, testCluster, until} from '../support/cluster.ts'
import {start} from '../support/run.ts'
import {byProgress, Callers, callersTable, configOf, onAStandby} from './callers.ts'

/** So long that a busy machine does not reach it: what is tested is what is lost, and not how fast. */
const patient: DatabaseOptions = {
  connection: {user: 'pgroute66', password: 'pgroute66', database: 'postgres'},
  read: {wait: '60s'},
  write: {wait: '60s'},
}
async function cluster(): Promise<Cluster> {
  const started = await testCluster({synchronous: onAStandby})
  await started.node('host1').sql(callersTable)
  return started
}

async function opened(options: ConnectOptions): Promise<Database> {
  const connector = await connect({databases: {default: patient}, patience: '60s', ...options})
  onTestFinished(() => connector.close({grace: '1s'}))
  return connector.use()
}

/** Until every standby is offered to reads. */
const settled = (db: Database, ...standbys: string[]) =>
  until(() => standbys.every((name) => db.node(name).role === 'standby' && db.node(name).lagBytes !== null), 60_000)

/** So many more reads and writes have been answered. */
async function goOn(callers: Callers, reads = 300, writes = 30): Promise<void> {
  const {reads: before, acknowledged} = callers.report
  await until(
    () => callers.report.reads >= before + reads && callers.report.acknowledged >= acknowledged + writes,
    60_000,
  )
}

test('readers die, freeze, restart and are switched off, then the primary dies: nothing is lost', async () => {
  const site = await cluster()
  const [host1, host2, host3] = ['host1', 'host2', 'host3'].map((name) => site.node(name)) as never as [
    ReturnType<Cluster['node']>,
    ReturnType<Cluster['node']>,
    ReturnType<Cluster['node']>,
  ]
  const db = await opened({config: configOf(site)})
  await settled(db, 'host2', 'host3')
  await using callers = new Callers(db, {readers: 60, writers: 15})
  const readsBy = (name: string) => callers.report.readsBy.get(name) ?? 0
  const isReadAgain = async (name: string) => {
    const before = readsBy(name)
    await until(() => readsBy(name) > before + 20, 60_000)
  }
  await goOn(callers)

  await host3.kill()
  await goOn(callers)
  await host3.start()
  await isReadAgain('host3')

  host2.hang()
  await until(() => db.node('host2').role === 'unavailable', 60_000)
  await goOn(callers)
  host2.thaw()
  await isReadAgain('host2')

  await host3.restart('fast')
  await isReadAgain('host3')

  db.node('host2').online = false
  await until(() => db.node('host2').inFlight === 0, 60_000)
  const whileOff = readsBy('host2')
  await goOn(callers)
  expect(readsBy('host2')).toBe(whileOff)
  db.node('host2').online = true
  await isReadAgain('host2')

  await Promise.all([host2.kill(), host3.kill()])
  await isReadAgain('host1')
  await Promise.all([host2.start(), host3.start()])
  await isReadAgain('host2')

  const calm = callers.report
  expect([calm.unknown, calm.refused]).toEqual([0, []])
  await settled(db, 'host2', 'host3')
  await host1.kill()
  const [next, third] = await byProgress([host2, host3])
  await next.promote()
  await third.follow(next)
  await until(() => db.verdict.routedTo === next.name, 60_000)
  await goOn(callers)
  await rejoin(host1, next)
  await isReadAgain('host1')

  const {lost, refused, unknown} = callers.report
  expect([lost, refused]).toEqual([[], []])
  // Each writer had at most one statement under way.
  expect(unknown).toBeLessThanOrEqual(15)
  expect(await callers.held(next)).toMatchObject({missing: 0, twice: 0, notDoneButThere: 0})
})

test('a frozen primary is replaced, and thaws: the split brain takes no write, and none is done twice', async () => {
  const site = await cluster()
  const db = await opened({config: configOf(site)})
  await settled(db, 'host2', 'host3')
  await using callers = new Callers(db, {readers: 20, writers: 15})
  await goOn(callers)
  site.node('host1').hang()
  await until(() => db.verdict.routedTo === null, 60_000)
  const [next, third] = await byProgress([site.node('host2'), site.node('host3')])
  await next.promote()
  await third.follow(next)
  await until(() => db.verdict.routedTo === next.name, 60_000)
  await goOn(callers)
  site.node('host1').thaw()
  await until(() => db.verdict.rule === 'V1', 60_000)
  await expect(db.write('insert into callers values (-1)', [], {wait: '100ms'})).rejects.toMatchObject({
    kind: 'no-writer',
    code: '08001',
    outcome: 'not-done',
    message: expect.stringMatching(/^no host may be written to \(V1 split-brain: .*host1.*host[23]/),
  })
  // Reads go on with the standby; none of the rivals gets one.
  const before = callers.report
  await until(() => callers.report.reads > before.reads + 100, 60_000)
  await site.node('host1').kill()
  await rejoin(site.node('host1'), next)
  await until(() => db.verdict.routedTo === next.name, 60_000)
  await goOn(callers)
  expect([callers.report.lost, callers.report.refused]).toEqual([[], []])
  const held = await callers.held(next)
  expect(held).toMatchObject({missing: 0, twice: 0, notDoneButThere: 0})
})

test('over a daemon: a failover, a daemon that is gone is told, and its restart loses nothing', async () => {
  const site = await cluster()
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-connector-'))
  const held = await freePorts(1)
  onTestFinished(() => held[Symbol.asyncDispose]())
  const [port] = held.ports
  const file = join(folder, 'pgroute66.yml')
  const limits = 'probe: {interval: 300ms, timeout: 3s, max_age: 6s}'
  writeFileSync(file, `${hostsYaml(site)}\n${limits}\nbind: 127.0.0.1\nport: ${port}\nstate_dir: state\n`, {
    mode: 0o600,
  })
  const serve = async () => {
    const daemon = start(['serve', '-c', file], {cwd: folder, limitMs: 180_000})
    onTestFinished(() => void daemon.child.kill('SIGKILL'))
    await daemon.sees('listening')
    return daemon
  }
  const first = await serve()
  const db = await opened({daemon: `http://127.0.0.1:${port}`})
  await settled(db, 'host2', 'host3')
  await using callers = new Callers(db, {readers: 30, writers: 10})
  await goOn(callers)
  await site.node('host1').kill()
  const [next, third] = await byProgress([site.node('host2'), site.node('host3')])
  await next.promote()
  await third.follow(next)
  await goOn(callers)
  expect(db.verdict.routedTo).toBe(next.name)
  first.child.kill('SIGKILL')
  await until(() => db.verdict.routedTo === null, 60_000)
  await expect(db.write('insert into callers values (-1)', [], {wait: '100ms'})).rejects.toMatchObject({
    kind: 'no-writer',
    message: expect.stringMatching(/the daemon at .* has been silent/),
  })
  await serve()
  await goOn(callers)
  expect([callers.report.lost, callers.report.refused]).toEqual([[], []])
  expect(await callers.held(next)).toMatchObject({missing: 0, twice: 0, notDoneButThere: 0})
})

test('a commit that waits for a synchronous standby and is terminated: unknown, and the row is there', async () => {
  const site = await testCluster({synchronous: 'host2'})
  await site.node('host1').sql(callersTable)
  const db = await opened({config: configOf(site)})
  await settled(db, 'host2', 'host3')
  await db.write('insert into callers values (1)')
  site.node('host2').hang()
  const write = db.write('insert into callers values (2)').catch((error) => error)
  const transaction = db.transaction((client) => client.query('insert into callers values (3)')).catch((error) => error)
  const waiting = "select pid from pg_stat_activity where wait_event = 'SyncRep'"
  await until(async () => (await site.node('host1').sql(waiting)).length === 2, 60_000)
  await site.node('host1').sql(`select pg_terminate_backend(pid) from (${waiting}) as waiting`)
  const unknown = {kind: 'outcome-unknown', code: '08007', outcome: 'unknown', host: 'host1'}
  expect(await write).toMatchObject(unknown)
  expect(await transaction).toMatchObject(unknown)
  const rows = await site.node('host1').sql('select key from callers order by key')
  expect(rows.map(({key}) => key)).toEqual([1, 2, 3])
  site.node('host2').thaw()
})
