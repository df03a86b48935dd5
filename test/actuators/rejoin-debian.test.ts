import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {afterEach, describe, expect, test} from 'vitest'
import {debian, followersOf, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {archives, crash, promote, reaped, rejoin, rejoinStage, textOf, walOf} from '../support/rejoin-stage.ts'

/** As root alone: pg_createcluster writes to /etc/postgresql. */
const isRoot = process.getuid?.() === 0
const name = `pg66_${process.pid}`

describe.skipIf(lacks('PostgreSQL 15') || (process.env.CI !== 'true' && !isRoot))("a cluster of Debian's", () => {
  afterEach(() => spawnSync('pg_dropcluster', ['--stop', '15', name], {stdio: 'ignore'}))

  test('with its configuration outside of the data directory, after a crash', async () => {
    const stage = await rejoinStage()
    const {host1, host2, host3} = stage
    await host1.sql('create table t (i int)')
    await host1.stop()
    // Debian's tool takes the data directory over, and moves the configuration to /etc/postgresql.
    const {account, folder} = host1.settings
    const create = ['-d', host1.data, '-p', String(host1.port), '-s', folder, '-l', `${host1.data}.rejoined.log`]
    execFileSync('pg_createcluster', [...create, '15', name], {stdio: 'ignore'})
    const conf = `/etc/postgresql/15/${name}`
    expect([existsSync(join(host1.data, 'postgresql.conf')), existsSync(join(conf, 'pg_hba.conf'))]).toEqual([
      false,
      true,
    ])
    execFileSync('pg_ctlcluster', ['15', name, 'start'], {...account, cwd: '/', stdio: 'ignore'})
    await until(async () => (await followersOf(host1)).length === 2)
    await promote(host2, host3)
    await host1.sql('insert into t values (1)')
    await crash(host1)
    await reaped(host1)
    const hba = textOf(join(conf, 'pg_hba.conf'))

    const ctl = `pg_ctlcluster, "15", ${name}`
    const commands = `start: [${ctl}, start], stop: [${ctl}, stop, -m, fast], status: [${ctl}, status]`
    const options = {commands: `config_file: ${conf}/postgresql.conf, ${commands}`}
    const ran = await rejoin(stage, host1, {...options, args: ['--accept-loss']})
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toContain('finish crash recovery')
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    expect(await host1.sql('select count(*)::int as rows from t')).toEqual([{rows: 0}])
    expect(walOf(archives(stage)[0] ?? '').commits).toBe(1)
    expect(textOf(join(conf, 'pg_hba.conf'))).toBe(hba)
    // The configuration of the primary lies in its data directory, and did not stay in this one.
    expect(existsSync(join(host1.data, 'postgresql.conf'))).toBe(false)
    expect(execFileSync(join(debian, 'pg_controldata'), ['-D', host1.data]).toString()).toMatch(/in archive recovery/)
  })
})
