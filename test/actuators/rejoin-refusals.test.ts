import {execFileSync} from 'node:child_process'
import {existsSync, rmSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {followersOf, type PgNode, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {
  checksum,
  configFor,
  crash,
  type RejoinOptions,
  type RejoinStage,
  rejoin,
  startRejoinStage,
  textOf,
} from '../support/rejoin-stage.ts'
import {run} from '../support/run.ts'

/** For answers that no host will give: then they need not be waited for. */
const impatient = '{connect_timeout: 500ms, timeout: 500ms, max_age: 1100ms, interval: 100ms, fast_interval: 100ms}'

describe.skipIf(lacks('PostgreSQL 15'))('each refusal comes before anything is touched', () => {
  let stage: RejoinStage
  beforeAll(async () => {
    stage = await startRejoinStage()
    const {host1} = stage
    await host1.sql('create table t (i int)')
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  /** The exit code, and the data directory as it was; of a server that runs, without its content. */
  async function refuses(node: PgNode, exit: number, words: RegExp, options: RejoinOptions = {}): Promise<void> {
    const state = () => (node.isRunning ? textOf(join(node.data, 'postgresql.auto.conf')) : checksum(node.data))
    const before = state()
    const pid = node.pid
    const ran = await rejoin(stage, node, options)
    expect(ran.stdout + ran.stderr).toMatch(words)
    expect(ran.code, ran.stdout + ran.stderr).toBe(exit)
    expect(state()).toBe(before)
    expect(node.pid).toBe(pid)
    for (const name of ['.rejoin', '.rejoin.json']) expect(existsSync(`${node.data}${name}`)).toBe(false)
  }

  /** The same exit code dry. */
  async function refusesDry(node: PgNode, exit: number, words: RegExp, options: RejoinOptions = {}): Promise<void> {
    await refuses(node, exit, words, {...options, args: [...(options.args ?? []), '--dry-run']})
    await refuses(node, exit, words, options)
  }

  /** A file in the data directory of host1 for as long as `work` lasts. */
  async function having(name: string, text: string, work: () => Promise<void>): Promise<void> {
    const path = join(stage.host1.data, name)
    writeFileSync(path, text)
    await work()
    rmSync(path, {recursive: true})
  }

  test('0: a primary that the others follow, and a standby', async () => {
    const {host1, host3} = stage
    await refuses(host1, 0, /host1 is no stray primary: no other host is primary/)
    await refuses(host1, 0, /host1 is no stray primary: host3 streams from it/, {ports: {host2: 1}})
    await refuses(host3, 0, /host3 is a standby \(in archive recovery\)/)
  })

  test('4: two primaries, and most hosts still follow the old one', async () => {
    const {host1, host2} = stage
    await host2.promote()
    await refuses(host1, 4, /no other primary is confirmed: .*host3/, {probe: impatient})
    await refuses(host2, 4, /host1 is on timeline 1, and host2 on 2: the other primary must be on a higher one/)
  })

  test('1: commits past the fork', async () => {
    const {host1, host2, host3} = stage
    await host3.cloneFrom(host2)
    await host3.start()
    await until(async () => (await followersOf(host2)).includes('host3'))
    await host1.sql('insert into t values (1)')
    await crash(host1)
    await refusesDry(host1, 1, /1 commit past the fork would be lost: 1 in postgres\nSave what you need from host1/)
  })

  test('2: another user, no data directory, a role without its rights', async () => {
    const {host1, host2, cluster} = stage
    const empty = join(cluster.folder, 'empty')
    const asRoot = await run(['rejoin', '-c', configFor(stage, host1)])
    expect([asRoot.code, asRoot.stderr]).toEqual([2, expect.stringContaining('sudo -u postgres pgroute66 rejoin')])
    execFileSync('install', ['-d', '-o', String(host1.settings.account?.uid ?? process.getuid?.()), empty])
    await refuses(host1, 2, /is no data directory/, {pgdata: empty})
    await refuses(host1, 2, /the lock .* cannot be made/, {pgdata: cluster.folder, archive: '/tmp/none'})
    await host2.sql('create role weak login replication')
    const path = join(host2.data, 'pg_hba.conf')
    writeFileSync(path, `host all,replication weak 127.0.0.1/32 trust\n${textOf(path)}`)
    await host2.sql('select pg_reload_conf()')
    const lacks = /lacks: GRANT EXECUTE ON FUNCTION pg_catalog\.pg_ls_dir.*; GRANT pg_checkpoint TO weak/
    await refuses(host1, 2, lacks, {rejoin: 'source_user: weak'})
  })

  test('4: the other hosts cannot be asked, and most peers are away', async () => {
    const {host1} = stage
    await refusesDry(host1, 4, /no other primary is confirmed/, {ports: {host2: 1, host3: 1}, probe: impatient})
    const peers = ['peers: ["http://127.0.0.1:1", "http://127.0.0.1:2"]']
    await refuses(host1, 4, /no other primary is confirmed: .*1 of 3 name host2/, {more: peers, probe: impatient})
  })

  test('6: another rejoin holds the lock', async () => {
    const path = `${stage.host1.data}.rejoin.sock`
    const server = createServer().listen({path, readableAll: true, writableAll: true})
    await until(() => existsSync(path))
    await refusesDry(stage.host1, 6, /another rejoin runs/)
    server.close()
  })

  test('7: Patroni or pg_auto_failover keeps the server', async () => {
    const {host1} = stage
    await having('patroni.dynamic.json', '{}', () => refuses(host1, 7, /Patroni keeps this server/))
    await having('postgresql-auto-failover.conf', '', () => refuses(host1, 7, /pg_auto_failover keeps this server/))
    const patroni = ['patroni: {scope: a, urls: ["http://127.0.0.1:1"]}']
    await refuses(host1, 7, /Patroni keeps this cluster/, {more: patroni})
  })

  test('9: a backup is running; neither a rewind nor a clone is possible', async () => {
    const {host1} = stage
    await having('backup_label', 'START WAL LOCATION', () => refuses(host1, 9, /a backup of host1 is running/))
    const tablespace = join(host1.data, 'pg_tblspc', '16384')
    execFileSync('ln', ['-s', '/nowhere', tablespace])
    await refuses(host1, 9, /A clone is impossible: there are tablespaces/, {args: ['--clone']})
    rmSync(tablespace)
    await stage.host2.sql("select pg_create_physical_replication_slot('taken')")
    await stage.host3.sql("alter system set primary_slot_name = 'taken'")
    await stage.host3.sql('select pg_reload_conf()')
    await until(async () => (await stage.host2.sql('select active from pg_replication_slots'))[0]?.active)
    await refuses(host1, 9, /slot taken on host2 cannot be used: another standby uses it/, {rejoin: 'slot: taken'})
  })

  test('8: another cluster', async () => {
    const {host1, cluster} = stage
    const other = join(cluster.folder, 'other')
    const {account, binaries} = host1.settings
    execFileSync(join(binaries, 'initdb'), ['-D', other, '-A', 'trust', '-N', '-U', 'postgres'], {...account, cwd: '/'})
    await refuses(host1, 8, /host2 is another cluster/, {pgdata: other})
  })

  test('8: no ancestor, though the number of its timeline is in the history of the other primary', async () => {
    const {host1, host2, host3} = stage
    const back = await rejoin(stage, host1, {args: ['--accept-loss']})
    expect(back.code, back.stderr).toBe(0)
    // host3 and host2 both go from timeline 2 to 3, at different positions; host2 goes on to 4.
    await host3.promote()
    await host3.stop()
    await host2.sql('insert into t values (2)')
    for (let i = 0; i < 2; i += 1) {
      await host2.stop()
      writeFileSync(join(host2.data, 'standby.signal'), '')
      await host2.start()
      await host2.promote()
    }
    await until(async () => (await followersOf(host2)).includes('host1'))
    await refusesDry(host3, 8, /timeline 3 of host3 is no ancestor of timeline 4 of host2/)
  })
})
