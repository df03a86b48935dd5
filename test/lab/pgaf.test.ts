import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {compose, type Watching} from '../../src/app/serve/compose.ts'
import {loadConfig} from '../../src/config/load.ts'
import {pgafGrants} from '../../src/core/ha-tools/pgaf.ts'
import {noMeter} from '../../src/core/no-meter.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import type {Evidence, GroupState} from '../../src/core/snapshot.ts'
import {systemClock} from '../../src/system/clock.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {run} from '../support/run.ts'
import {type PgafCluster, pgafCluster} from './pgaf.ts'

/** Long limits: a busy machine must not decide a verdict. */
const config = ({monitor, host1, host2}: PgafCluster['ports']) => `
hosts:
  host1: {host: 127.0.0.1, port: "${host1}", user: pgroute66, dbname: postgres, sslmode: disable}
  host2: {host: 127.0.0.1, port: "${host2}", user: pgroute66, dbname: postgres, sslmode: disable}
probe: {interval: 500ms, timeout: 5s, max_age: 10s}
confirm: [pgaf]
on_split_brain: follow-evidence
pgaf: {monitor: "postgres://pgroute66@127.0.0.1:${monitor}/pg_auto_failover?sslmode=disable"}
bind: 127.0.0.1
port: 0
`

const isMissing = lacks('pg_auto_failover') || lacks('pg_auto_failover extension')

describe.skipIf(isMissing)('pg_auto_failover with a monitor and two nodes', () => {
  let lab: PgafCluster
  let watching: Watching
  let cwd: string
  const routed: string[] = []

  beforeAll(async () => {
    lab = await pgafCluster()
    await lab.sql('host1', 'create role pgroute66 login; grant pg_read_all_stats to pgroute66')
    await lab.sql('monitor', 'create role pgroute66 login')
    cwd = await mkdtemp(join(tmpdir(), 'pgroute66-pgaf-'))
    const path = join(cwd, 'pgroute66.yml')
    await writeFile(path, config(lab.ports), {mode: 0o600})
    const deps = {clock: systemClock, random: Math.random, log: silentLog, meter: noMeter, version: 'test'}
    watching = await compose(await loadConfig({path, env: {}, cwd}), deps)
    watching.monitor.subscribe(({snapshot}) => {
      const host = snapshot.groups.all?.verdict.routedTo
      if (host && routed.at(-1) !== host) routed.push(host)
    })
  })
  afterAll(async () => {
    await watching?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
  })

  const group = () => watching.monitor.current().groups.all as GroupState
  const hears = async (like: Partial<Evidence>, why = '') => {
    const isSo = () =>
      group().evidence.some(
        (item) =>
          Object.entries(like).every(([key, value]) => Reflect.get(item, key) === value) && item.why.includes(why),
      )
    await until(isSo, 120_000).catch(() => expect(group()).toMatchObject({evidence: [like], why}))
  }
  const routesTo = (host: string | null) =>
    until(() => group().verdict.routedTo === host, 120_000).catch(() => expect(group()).toMatchObject({host}))
  const connect = () => run(['config', 'check', '--connect', '-c', 'pgroute66.yml'], {cwd})

  test('a role that may not ask the monitor: no host is routed to, and the GRANT is told', async () => {
    await watching.monitor.ready
    await hears({answer: 'silent'}, 'GRANT USAGE ON SCHEMA pgautofailover TO pgroute66;')
    expect(group().verdict).toMatchObject({rule: 'V3', routedTo: null})
    const {code, stdout} = await connect()
    expect([code, stdout]).toEqual([2, expect.stringContaining('ON pgautofailover.node TO pgroute66;')])
  })

  test('with the grants the monitor confirms the primary, also for a check without a daemon', async () => {
    for (const grant of pgafGrants('pgroute66')) await lab.sql('monitor', grant)
    await hears({answer: 'confirms', subject: 'host1'}, 'host1 reports primary, and is assigned primary')
    await routesTo('host1')
    const {code, stdout} = await connect()
    expect(stdout).toContain('host1: node host1 (primary, assigned primary)')
    expect(code).toBe(0)
    const checked = await run(['check', '--direct', '--timeout', '20s', '-c', 'pgroute66.yml'], {cwd})
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('confirmed by pgaf')])
  })

  test('a switchover: writes go to the new primary once the monitor says so', async () => {
    await lab.autoctl('perform', 'switchover')
    await hears({answer: 'confirms', subject: 'host2'}, 'host2 reports primary, and is assigned primary')
    await routesTo('host2')
    expect(routed).toEqual(['host1', 'host2'])
  })

  test('kill -9 of the primary and its pg_autoctl: the standby is confirmed when the monitor has let it', async () => {
    await lab.kill('host2')
    await hears({answer: 'confirms', subject: 'host1'}, 'assigned wait_primary')
    await routesTo('host1')
    expect(routed).toEqual(['host1', 'host2', 'host1'])
  })

  test('the old primary comes back as one: it is denied, and writes stay where they are', async () => {
    await lab.startAlone('host2')
    await until(() => group().verdict.rule === 'V1', 120_000)
    expect(group().evidence).toMatchObject([
      {answer: 'confirms', subject: 'host1'},
      {answer: 'denies', why: expect.stringContaining('the monitor assigns wait_primary to host1')},
    ])
    expect(routed).toEqual(['host1', 'host2', 'host1'])
    await lab.kill('host2')
  })

  test('without the monitor the source falls silent', async () => {
    await lab.kill('monitor')
    await hears({answer: 'silent'}, 'cannot be asked')
  })
})
