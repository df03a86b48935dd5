import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {primgrAnswer} from '../../src/api/local/primgr.ts'
import {compose, type Watching} from '../../src/app/serve/compose.ts'
import type {Config} from '../../src/config/config.ts'
import {loadConfig} from '../../src/config/load.ts'
import {repmgrGrants} from '../../src/core/ha-tools/repmgr.ts'
import {noMeter} from '../../src/core/no-meter.ts'
import type {Evidence, GroupState} from '../../src/core/snapshot.ts'
import type {PgNode} from '../../src/demo/node.ts'
import {systemClock} from '../../src/system/clock.ts'
import {contextOf} from '../api/local-stage.ts'
import {hostsYaml, rejoin, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {run} from '../support/run.ts'
import {type RepmgrCluster, repmgrCluster} from './repmgr.ts'

/** Long limits: a busy machine must not decide a verdict. */
const config = (nodes: string) => `${nodes}
probe: {interval: 500ms, timeout: 5s, max_age: 10s, knock_interval: 1s}
confirm: [repmgr]
on_split_brain: follow-evidence
repmgr: {node: {host1: Host1}}
bind: 127.0.0.1
port: 0
`

describe.skipIf(lacks('repmgr'))('repmgr 5 with repmgrd and a witness', () => {
  let lab: RepmgrCluster
  let settings: Config
  let watching: Watching
  let cwd: string
  const logged: string[] = []
  /** Every host that writes went to, in order, without repetitions. */
  const routed: string[] = []

  beforeAll(async () => {
    lab = await repmgrCluster()
    cwd = await mkdtemp(join(tmpdir(), 'pgroute66-repmgr-'))
    const path = join(cwd, 'pgroute66.yml')
    await writeFile(path, config(hostsYaml(lab.cluster, ', sslmode: disable')), {mode: 0o600})
    const say = (_: object, message: string) => void logged.push(message)
    settings = await loadConfig({path, env: {}, cwd})
    watching = await compose(settings, {
      clock: systemClock,
      random: Math.random,
      log: {debug: () => {}, info: say, warn: say, error: say},
      meter: noMeter,
      version: 'test',
    })
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
  const said = (host: string): Evidence | undefined =>
    group().evidence.find(({source, subject}) => source === 'repmgr' && subject === host)
  const hears = async (host: string, answer: string, why = '') => {
    const isSo = () => said(host)?.answer === answer && `${said(host)?.why}`.includes(why)
    await until(isSo, 120_000).catch(() => expect(group()).toMatchObject({answer, host, why}))
  }
  const routesTo = (host: string | null) =>
    until(() => group().verdict.routedTo === host, 120_000).catch(() => expect(group()).toMatchObject({host}))
  /** What `local_api.primgr` of this host says. */
  const primgr = (host: string, path: string) => {
    const [now, wall] = [systemClock.now(), systemClock.wall()]
    const around = {groups: settings.groups, tables: watching.tables, at: {now, wall}}
    const {status, body} = primgrAnswer('GET', path, contextOf(host, watching.monitor.current(), around))
    return `${status} ${body}`
  }
  const node = (name: string): PgNode => lab.cluster.node(name)
  const cli = (...args: string[]) => run([...args, '-c', 'pgroute66.yml'], {cwd})
  const nodes = () => lab.cluster.nodes
  const primaries = async () => {
    const roles = await Promise.all(
      nodes().map(async (each) =>
        each.isRunning && (await each.sql('select pg_is_in_recovery() as standby'))[0]?.standby === false ? each : [],
      ),
    )
    return roles.flat()
  }

  test('a role that may not read the table: no host is routed to, and the GRANT is told', async () => {
    await watching.monitor.ready
    await hears('host1', 'silent', 'GRANT USAGE ON SCHEMA repmgr TO pgroute66;')
    expect(group().verdict).toMatchObject({rule: 'V3', routedTo: null})
    expect(logged.join('\n')).toContain('repmgr cannot be asked: user "pgroute66" may not read repmgr.nodes')
    const {code, stdout} = await cli('config', 'check', '--connect')
    expect([code, stdout]).toEqual([2, expect.stringContaining('GRANT SELECT (node_id, node_name, type, active, loc')])
  })

  test('with the grants every node confirms, also for a check without a daemon', async () => {
    for (const grant of repmgrGrants('pgroute66', {schema: 'repmgr'})) await lab.sql(node('host1'), grant)
    await hears('host1', 'confirms', '3 of 3 data nodes in location default')
    await routesTo('host1')
    expect(group().verdict.rule).toBe('V4')
    expect(['host1', 'host2', 'host3'].map((host) => primgr(host, '/primary'))).toEqual(
      Array(3).fill('200 {"Primary":"host1"}'),
    )
    const connected = await cli('config', 'check', '--connect')
    expect(connected.stdout).toContain('host1  repmgr: node host1, primary, location default')
    expect(connected.code).toBe(0)
    const checked = await cli('check', '--direct', '--timeout', '20s', '--json')
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('confirmed by repmgr')])
    const forbidden = lab.sql(node('host1'), 'set role pgroute66; select conninfo from repmgr.nodes')
    await expect(forbidden).rejects.toThrow('permission denied')
  })

  test('a switchover: the new primary is confirmed once the others follow it', async () => {
    await lab.stopDaemons()
    await node('host1').stop('fast')
    await lab.repmgr(node('host2'), 'standby', 'promote')
    await lab.repmgr(node('host3'), 'standby', 'follow')
    await hears('host2', 'confirms', '2 of 3')
    await routesTo('host2')
    await rejoin(node('host1'), node('host2'))
    await lab.registerStandby(node('host1'), node('host2'))
    await hears('host2', 'confirms', '3 of 3')
  })

  test('kill -9 and automatic failover: the new primary is confirmed, the witness names an old one', async () => {
    await Promise.all(nodes().map(lab.startDaemon))
    await node('host2').kill()
    await until(async () => (await primaries()).length === 1, 120_000)
    expect((await primaries()).map(({name}) => name)).toEqual(['host3'])
    await hears('host3', 'confirms', '2 of 3')
    await routesTo('host3')
    // Its repmgrd does not run, so its copy of the table is two primaries old.
    expect(await lab.table(lab.witness)).toContain('host1=primary+')
    expect(routed).toEqual(['host1', 'host2', 'host3'])
  })

  test('the old primary comes back as one: it is denied, and writes stay where they are', async () => {
    await node('host2').start()
    await hears('host2', 'denies')
    expect(group().verdict).toMatchObject({rule: 'V1', routedTo: 'host3'})
    expect(said('host3')?.answer).toBe('confirms')
    expect(routed.filter((host) => host === 'host2')).toHaveLength(1)
    // Each table names its own host. The nodes that run primgr count votes by them; HAProxy asks for the state.
    await until(() => primgr('host2', '/primary').startsWith('200'))
    expect(['host2', 'host3'].map((host) => primgr(host, '/primary'))).toEqual([
      '200 {"Primary":"host2"}',
      '200 {"Primary":"host3"}',
    ])
    expect(['host2', 'host3'].map((host) => primgr(host, '/state'))).toEqual([
      '509 {"State":"Unknown"}',
      '200 {"State":"Primary"}',
    ])
    await node('host2').kill()
  })

  test('the session in the database of repmgr does not hold up a smart shutdown', async () => {
    await lab.stopDaemons()
    await node('host1').stop('smart')
    expect(node('host1').isRunning).toBe(false)
  })
})
