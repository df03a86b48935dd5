import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {debian, followersOf, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {archived, BookedWriter, failOver, makeSynchronous, missingOn} from '../support/rejoin-failovers.ts'
import {
  archives,
  crash,
  promote,
  type RejoinStage,
  rejoin,
  rejoinStage,
  textOf,
  walOf,
  workersIn,
} from '../support/rejoin-stage.ts'

/** The steps that a run, dry or not, says that it will do. */
const planned = (stdout: string): readonly string[] =>
  (/^ {2}1 .*(\n {2}\d.*)*/m.exec(stdout)?.[0] ?? '')
    .trim()
    .split(/\s{2,}/)
    .map((step) => step.replace(/^\d+ /, ''))
const done = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^ {2}done {2}(.*) \(\d+ ms\)$/gm)].map(([, step = '']) => step)
const withoutTime = (steps: readonly string[]) => steps.map((step) => step.replace(/\d{8}T\d{6}Z/, 'TIME'))

const rowsOf = async ({host1, host2}: RejoinStage, table = 't') => {
  const rows = async (node: typeof host1) => (await node.sql(`select i from ${table} order by i`)).map(({i}) => i)
  return {host1: await rows(host1), host2: await rows(host2)}
}

describe.skipIf(lacks('PostgreSQL 15'))('a stray primary', () => {
  test('that crashed: the plan is what is done, the loss is what is missing, and the rest is archived', async () => {
    const stage = await rejoinStage()
    const {host1, host2, host3} = stage
    await host1.sql('create table t (i int)')
    await host1.sql('create database repmgr')
    await until(async () => (await host2.sql("select 1 from pg_database where datname = 'repmgr'")).length === 1)
    await promote(host2, host3)
    await host2.sql('insert into t values (10)')
    for (const i of [1, 2, 3]) await host1.sql(`insert into t values (${i})`)
    await using repmgr = await host1.connect('repmgr')
    await repmgr.query('create table own (i int)')
    await crash(host1)
    writeFileSync(join(host1.data, 'server.key'), 'a key of this host\n')
    writeFileSync(join(host2.data, 'other.conf'), 'a file of the other host\n')

    const options = {rejoin: 'slot: host1_slot, register: [/bin/sh, -c, "echo $0 > /dev/null"]'}
    const dry = await rejoin(stage, host1, {...options, args: ['--dry-run']})
    expect(dry.code, dry.stderr).toBe(1)
    expect(dry.stdout).toMatch(/^rejoin \(dry run\): host1 is a stray primary\. Nothing was changed\.\n/)
    expect(dry.stdout).toMatch(/^ {2}evidence {3}host2 is the primary on timeline 2; host3 streams from it; /m)
    expect(dry.stdout).toMatch(/^ {2}fork {7}timeline 1 ended at 0\/[0-9A-F]+; this host went on to 0\/[0-9A-F]+$/m)
    expect(dry.stdout).toMatch(
      /bytes, 4 commits past the fork: 3 in postgres, 1 in repmgr \(not counted\) .* needs --accept-loss$/m,
    )
    expect(dry.stderr).toContain('3 commits past the fork would be lost')

    // A database with tables of others is not repmgr's alone.
    await using others = await host2.connect('repmgr')
    await others.query('create table app (i int)')
    const shared = await rejoin(stage, host1, {...options, args: ['--dry-run']})
    expect(shared.stderr).toContain('4 commits past the fork would be lost: 3 in postgres, 1 in repmgr')
    await others.query('drop table app')

    const hba = textOf(join(host1.data, 'pg_hba.conf'))
    const ran = await rejoin(stage, host1, {...options, args: ['--accept-loss']})
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(done(ran.stdout)).toEqual(planned(ran.stdout))
    expect(withoutTime(planned(dry.stdout))).toEqual(withoutTime(planned(ran.stdout)))
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    await until(async () => (await rowsOf(stage)).host1.length === 1)
    expect(await rowsOf(stage)).toEqual({host1: [10], host2: [10]})

    // Its own configuration, and none of the other host.
    expect(textOf(join(host1.data, 'postgresql.conf'))).toContain(`port = ${host1.port}`)
    expect(textOf(join(host1.data, 'pg_hba.conf'))).toBe(hba)
    expect(textOf(join(host1.data, 'server.key'))).toBe('a key of this host\n')
    expect(existsSync(join(host1.data, 'other.conf'))).toBe(false)
    expect(textOf(join(host1.data, 'postgresql.auto.conf'))).toContain("primary_slot_name = 'host1_slot'")
    expect(await host2.sql('select slot_name, active from pg_replication_slots')).toEqual([
      {slot_name: 'host1_slot', active: true},
    ])
    // What was discarded can be read from the archive.
    const [archive = ''] = archives(stage)
    expect(walOf(archive).commits).toBe(4)
    expect(textOf(join(archive, 'plan.txt'))).toContain('host1 is a stray primary')
    expect(readdirSync(stage.cluster.folder).filter((name) => /host1\.rejoin(\.json)?$/.test(name))).toEqual([])

    const again = await rejoin(stage, host1)
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('there is nothing to do')])
  })

  test('that runs is stopped; without a commit of its own it needs no flag', async () => {
    const stage = await rejoinStage()
    const {host1, host2, host3} = stage
    await promote(host2, host3)
    const ran = await rejoin(stage, host1)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(planned(ran.stdout)).toContain('stop (fast)')
    expect(done(ran.stdout)).toEqual(planned(ran.stdout))
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
  })

  test('without checksums and hints is cloned, and the old data directory is kept', async () => {
    const stage = await rejoinStage({conf: ['wal_log_hints = off']})
    const {host1, host2, host3} = stage
    await host1.sql('create table t (i int)')
    await promote(host2, host3)
    await host1.sql('insert into t values (1)')
    await crash(host1)
    const ran = await rejoin(stage, host1, {args: ['--accept-loss'], rejoin: 'slot: host1_slot'})
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toContain('pg_rewind needs data checksums or wal_log_hints')
    expect(done(ran.stdout)).toEqual(planned(ran.stdout))
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    expect(textOf(join(host1.data, 'postgresql.conf'))).toContain(`port = ${host1.port}`)
    const aside = readdirSync(stage.cluster.folder).filter((name) => name.startsWith('host1.diverged-'))
    expect(aside).toHaveLength(1)
    const control = execFileSync(join(debian, 'pg_controldata'), ['-D', join(stage.cluster.folder, aside[0] ?? '')])
    expect(control.toString()).toMatch(/cluster state: +shut down\n/)
  })
})

describe.skipIf(lacks('PostgreSQL 15'))('rejoin --auto', () => {
  const guard = [
    'failover_after: 30s',
    'guard: {users: {read_write: [app]}, addresses: [10.0.0.0/8], neighbours: [grpc://10.0.0.2:1, grpc://10.0.0.3:1]}',
  ]

  test('a host with commits of its own stays stopped and denied; within the limit it comes back', async () => {
    const stage = await rejoinStage()
    const {host1, host2, host3} = stage
    await host1.sql('create table t (i int)')
    await promote(host2, host3)
    await host1.sql('insert into t values (1)')
    // Without deny it is stopped too.
    const elsewhere = guard.map((line) => line.replace('guard: {', 'guard: {hba_file: /nowhere/pg_hba.conf, '))
    const undenied = await rejoin(stage, host1, {args: ['--auto'], more: elsewhere})
    expect([undenied.code, undenied.stderr]).toEqual([11, expect.stringContaining('deny cannot be written')])
    expect(workersIn(host1.data)).toEqual([])
    const stopped = await rejoin(stage, host1, {args: ['--auto'], more: guard})
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(1)
    expect(stopped.stdout).toContain('host1 is stopped and denied, and stays so.')
    expect(stopped.stderr).toContain("host1 stays stopped. To save commits, start it with listen_addresses = ''")
    expect(stopped.stderr).toContain('1 commit past the fork would be lost: 1 in postgres, and max_loss_commits is 0')
    expect(workersIn(host1.data)).toEqual([])
    const hba = textOf(join(host1.data, 'pg_hba.conf'))
    expect(hba).toMatch(/^# pgroute66 guard: begin.*\nhost {2}all {2}app {2}10\.0\.0\.0\/8 {2}reject/)
    expect(archives(stage)).toEqual([])

    const back = await rejoin(stage, host1, {args: ['--auto'], more: guard, rejoin: 'max_loss_commits: 1'})
    expect(back.code, back.stdout + back.stderr).toBe(0)
    expect(planned(back.stdout)).toContain('deny in pg_hba.conf, is stopped')
    expect(done(back.stdout)).toEqual(planned(back.stdout))
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    expect(textOf(join(host1.data, 'pg_hba.conf'))).toBe(hba)
  })

  test('failovers under write load, with synchronous replication: no acknowledged write is lost', async () => {
    const stage = await rejoinStage()
    await makeSynchronous(stage)
    const book = {acked: new Set<string>()}
    let primary = stage.host1
    const writer = new BookedWriter('client', book, () => primary)
    for (const kind of ['reboot', 'alive'] as const) {
      const before = book.acked.size
      await until(() => book.acked.size > before + 20)
      const moveTo = (next: typeof primary) => {
        primary = next
      }
      const ran = await failOver(stage, primary, {kind, moveTo, leave: () => writer.leave()})
      expect(ran.exit, ran.output).toBe(0)
    }
    await writer[Symbol.asyncDispose]()
    expect(await missingOn(primary, book)).toEqual([])
    expect(archived(stage)).toBe(2)
  })
})
