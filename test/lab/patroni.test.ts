import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {sourcesOf} from '../../src/core/evidence/wanted-source.ts'
import type {GroupSettings, PatroniSettings} from '../../src/core/settings.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {until} from '../../src/demo/wait-until.ts'
import {patroniSources} from '../../src/sources/patroni/patroni-sources.ts'
import {systemClock} from '../../src/system/clock.ts'
import {run} from '../support/run.ts'
import {lacksPatroni, type PatroniCluster, type PatroniNode, startPatroni} from './patroni.ts'
import {countRequests} from './patroni-requests.ts'
import {type Witness, witness} from './witness.ts'

const plain = {api: 'v3', caFile: null, certFile: null, keyFile: null, user: null, passwordFile: null} as const

/** A real cluster, and a monitor that routes to no primary that Patroni does not confirm. */
async function watched(group: Partial<GroupSettings> = {}, config: object = {}) {
  const cluster = await startPatroni({config})
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  const patroni: PatroniSettings = {
    scope: cluster.scope,
    namespace: '/service',
    etcd: {...plain, endpoints: [cluster.etcd.url]},
    via: 'both',
    urls: cluster.nodes.map(({url}) => url),
    caFile: null,
    certFile: null,
    keyFile: null,
    members: {},
  }
  const nodes = cluster.nodes.map(({name, address}) => ({name, address, port: 5432}))
  const seen = await witness(
    {nodes},
    {
      user: 'postgres',
      group: {confirm: ['patroni'], patroni, ...group},
      evidence: sourcesOf([patroniSources({clock: systemClock, random: Math.random, log: silentLog})]),
    },
  )
  const leader = await cluster.leader()
  await seen.concludes({rule: 'V4', routedTo: leader.name})
  seen.routed()
  return {cluster, seen, leader}
}

/** `check` without a daemon, by one member's URL. */
async function checkOnce({scope, nodes, etcd}: PatroniCluster) {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-patroni-'))
  const hosts = nodes.map(({name, address}) => `  ${name}: {host: ${address}, user: postgres, sslmode: disable}`)
  const patroni = `{scope: ${scope}, urls: [${JSON.stringify(nodes[0]?.url)}], etcd: {endpoints: ["${etcd.url}"]}}`
  const lines = ['hosts:', ...hosts, `patroni: ${patroni}`, 'confirm: [patroni]']
  await writeFile(join(cwd, 'pgroute66.yml'), `${lines.join('\n')}\n`, {mode: 0o600})
  return run(['check', '--direct', '--json', '--timeout', '20s'], {cwd})
}

const opinion = (seen: Witness, host: PatroniNode) => seen.evidence().find(({subject}) => subject === host.name)
const saying = (seen: Witness, host: PatroniNode, text: string) =>
  until(() => opinion(seen, host)?.why.includes(text) === true)

/** Until Patroni has a leader that SQL shows as primary, and the monitor routes to it. */
async function settled(cluster: PatroniCluster, seen: Witness): Promise<PatroniNode> {
  await until(async () => seen.verdict().rule === 'V4' && seen.verdict().routedTo === (await cluster.leader()).name)
  return cluster.leader()
}

/**
 * Patroni before 3.0.3 writes the leader key without looking who holds it: its successor demotes itself.
 * A newer one demotes the old leader.
 */
async function stealsLocks({url}: PatroniNode): Promise<boolean> {
  const {patroni} = (await (await fetch(`${url}/patroni`)).json()) as {patroni: {version: string}}
  const [major = 0, minor = 0, patch = 0] = patroni.version.split('.').map(Number)
  return major < 3 || (major === 3 && minor === 0 && patch < 3)
}

describe.skipIf(lacksPatroni)('Patroni and etcd', () => {
  test('a crash, a freeze, and an old leader that thaws and takes the lock back', async () => {
    const {cluster, seen, leader} = await watched({onSplitBrain: 'follow-evidence'})
    expect(opinion(seen, leader)).toMatchObject({source: 'patroni', answer: 'confirms', required: true})

    // Patroni goes on saying 200 while PostgreSQL is down, and restarts it in place.
    leader.killPostmaster()
    await seen.concludes({rule: 'V5', routedTo: null})
    const restarted = await settled(cluster, seen)
    expect(seen.routed()).toEqual([restarted.name])
    await until(() => cluster.isStreaming())

    // The other members say "leader, running" for the whole ttl. The REST API hangs with PostgreSQL:
    // a request that is given up would keep its thread there, and the next one would take another.
    restarted.freeze()
    const waiting = countRequests(restarted.address)
    await seen.concludes({rule: 'V5', routedTo: null})
    seen.routed()
    const successor = await settled(cluster, seen)
    expect(successor.name).not.toBe(restarted.name)
    expect(seen.routed()).toEqual([successor.name])
    expect(waiting.stop()).toBe(1)

    restarted.thaw()
    if (await stealsLocks(successor)) {
      await seen.concludes({rule: 'V2', situation: 'old-primary-returned', routedTo: null})
      await until(() => opinion(seen, restarted)?.answer === 'confirms')
      expect(seen.verdict()).toMatchObject({rule: 'V2', primary: restarted.name, routedTo: null})
    } else {
      await until(() => seen.host(restarted.name).role === 'standby')
      await seen.concludes({rule: 'V4', routedTo: successor.name})
    }
    expect(seen.routed()).not.toContain(restarted.name)
  }, 400_000)

  test('etcd is down, with failsafe mode and without; a second primary is promoted by hand in pause', async () => {
    const {cluster, seen, leader} = await watched({}, {failsafe_mode: true})
    const checked = await checkOnce(cluster)
    expect(checked, checked.stdout).toMatchObject({code: 0})
    expect(JSON.parse(checked.stdout).verdict.why).toContain('confirmed by patroni')

    // The verdict stays all the time: no writer is stopped, however the members enter the mode.
    const {since} = seen.verdict()
    await cluster.etcd.stop()
    await saying(seen, leader, 'leads in failsafe mode')
    expect(opinion(seen, leader)).toMatchObject({answer: 'confirms', contradictsSql: false})
    await cluster.etcd.start()
    await saying(seen, leader, 'holds the leader lock')
    expect(seen.verdict()).toMatchObject({rule: 'V4', routedTo: leader.name, since})
    expect(seen.routed()).toEqual([leader.name])

    await cluster.configure({failsafe_mode: false})
    await cluster.etcd.stop()
    await seen.concludes({rule: 'V5', routedTo: null})
    await cluster.etcd.start()
    const again = await settled(cluster, seen)

    await cluster.configure({pause: true})
    const [other] = (await cluster.standbys()) as [PatroniNode]
    await other.sql('select pg_promote()')
    const verdict = await seen.concludes({rule: 'V1', routedTo: null})
    // Patroni names the old timeline, and the other host has the higher one: neither looks stale.
    await until(() => opinion(seen, again)?.answer === 'confirms')
    expect(opinion(seen, other)).toMatchObject({answer: 'denies'})
    expect(verdict).toMatchObject({suspect: null})
    expect(seen.evidence().filter(({answer}) => answer === 'confirms')).toMatchObject([{subject: again.name}])
  })
})
