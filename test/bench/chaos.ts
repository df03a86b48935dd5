import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Random} from '../../src/core/ports.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {type Cluster, followersOf, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {hasHaproxy} from '../support/haproxy.ts'
import {pick, seededRandom} from '../support/seeded-random.ts'
import {Router, Serve, Watch} from './chaos-parts.ts'
import {printed} from './printed.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'
import {Writer, writtenTable} from './writer.ts'

const kinds = ['crash', 'freeze', 'both primary'] as const
const mischief = ['reload of HAProxy', 'restart of HAProxy', 'kill -9 of serve', 'nothing'] as const
/** Who has not taken over by then gets help: somebody fences the old primary. */
const graceMs = 5_000
const limitMs = 60_000

/** One failover. `outageMs`: from the blow to the first write on the next primary. */
type Failover = Readonly<{outageMs: number; wasFenced: boolean; late: number}>

/**
 * Random failovers under write load through a real HAProxy with the printed file of style push,
 * synchronous replication on, while HAProxy is reloaded and restarted and `serve` is killed. What
 * must never be is counted: two write servers up, a write that a deposed host acknowledged after
 * its successor was readied, an acknowledged write that the last primary does not have. `SEED=1`
 * repeats the dice, not the machine.
 */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
  const random = seededRandom(seed)
  const count = runs ?? (short ? 5 : 100)
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-chaos-'))
  await using _ = {[Symbol.asyncDispose]: () => rm(folder, {recursive: true, force: true})}
  await using cluster = await startTestCluster()
  await cluster.nodes[0]?.sql(writtenTable)
  for (const node of cluster.nodes) {
    await node.sql("alter system set synchronous_standby_names = 'ANY 1 (host1, host2, host3)'")
    await node.sql('select pg_reload_conf()')
  }
  await using free = await freePorts(3)
  const [api = 0, write = 0, read = 0] = free.ports
  const socket = join(folder, 'push.sock')
  const config = join(folder, 'pgroute66.yml')
  const site = {folder, hosts: cluster.nodes.map(({name, port}) => ({name, port})), ports: free.ports}
  const push =
    `haproxy: {backends: {pg_write: primary, pg_read: replica}, instances: [{socket: ${socket}, ` +
    `master_socket: ${folder}/master.sock}]}`
  await writeFile(
    config,
    `${hostsYaml(cluster)}\n${push}\nbind: 127.0.0.1\nport: ${api}\nstate_dir: ${folder}/state\n` +
      `socket: ${folder}/run.sock\n`,
    {mode: 0o600},
  )
  const file = (await printed('push').haproxyConfig({...site, api, config}))
    .replace('{port:write}', `${write}`)
    .replace('{port:read}', `${read}`)
  await using router = new Router(folder, file)
  router.start()
  await using serve = new Serve(config)
  await serve.start()
  await using watch = new Watch(socket)

  const failovers: Failover[] = []
  const writers: Writer[] = []
  let old = cluster.node('host1')
  try {
    await until(() => watch.up.length === 1)
    for (let index = 0; index < 4; index += 1) writers.push(new Writer(write, `w${index}`))
    const stage = {random, cluster, watch, writers, router, serve}
    for (let index = 0; index < count; index += 1) {
      const {next, ...failover} = await failOver(old, stage)
      failovers.push(failover)
      console.error(
        `${index + 1} of ${count}: ${failover.kind}, ${failover.what}: ${Math.round(failover.outageMs)} ms` +
          (failover.wasFenced ? ', fenced' : '') +
          (failover.late > 0 ? `, LATE ${failover.late}` : '') +
          (watch.twoUp > 0 ? `, TWO UP ${watch.twoUp}` : ''),
      )
      old = next
    }
  } finally {
    await Promise.all(writers.map((writer) => writer[Symbol.asyncDispose]()))
  }
  const acked = writers.flatMap(({acks}) => acks)
  const there = new Set((await old.sql('select key from written')).map(({key}) => String(key)))
  const lost = acked.filter(({key}) => !there.has(key)).length
  const late = failovers.reduce((sum, one) => sum + one.late, 0)
  const times = failovers.map(({outageMs}) => outageMs)
  const row = (figure: string, measured: string, target = '', met: boolean | null = null): Row => ({
    figure,
    measured,
    target,
    comparison: '',
    met,
  })
  return [
    row(
      `looks that found two write servers up, ${count} random failovers (seed ${seed})`,
      `${watch.twoUp} of ${watch.looks}`,
      '0',
      watch.twoUp === 0,
    ),
    row('writes that a deposed host acknowledged after its successor was readied', `${late}`, '0', late === 0),
    row('acknowledged writes that the last primary does not have', `${lost} of ${acked.length}`, '0', lost === 0),
    row(
      'outage, mischief included',
      `median ${(median(times) / 1000).toFixed(2)} s, worst ${(quantile(times, 1) / 1000).toFixed(2)} s`,
    ),
    row('failovers that needed a fence', `${failovers.filter(({wasFenced}) => wasFenced).length}`),
  ]
}

type Stage = Readonly<{
  random: Random
  cluster: Cluster
  watch: Watch
  writers: readonly Writer[]
  router: Router
  serve: Serve
}>

async function failOver(
  old: PgNode,
  stage: Stage,
): Promise<Failover & Readonly<{next: PgNode; kind: string; what: string}>> {
  const {random, cluster, watch, writers} = stage
  const acks = () => writers.flatMap((writer) => writer.acks.slice(-5_000))
  const isWritten = (node: PgNode, since: number) => acks().some(({at, port}) => at > since && port === node.port)
  const calmAt = performance.now()
  await until(() => watch.up.join() === old.name && isWritten(old, calmAt), limitMs)
  await wait(random() * 1_500)

  const kind = pick(random, kinds)
  const what = pick(random, mischief)
  const meddling = wait(random() * 1_500).then(() => meddle(what, stage))
  await wait(random() * 500)
  const standbys = cluster.nodes.filter((node) => node !== old)
  const begunAt = performance.now()
  const dead = kind === 'crash' ? old.kill() : null
  if (kind === 'freeze') {
    old.hang()
    await wait(random() * 2_500)
  }
  const next = await succeed(standbys)
  await dead
  const firstOn = () => acks().find(({at, port}) => at > begunAt && port === next.port)?.at ?? null
  const resumed = (withinMs: number) => until(() => firstOn() !== null, withinMs)
  await meddling
  // Both live: somebody must say which.
  const wasFenced = await resumed(graceMs).then(
    () => false,
    () => true,
  )
  if (wasFenced) await old.kill()
  await resumed(limitMs)
  const readiedAt =
    watch.changes.find(({at, up}) => at > begunAt && up.join() === next.name)?.at ?? Number.POSITIVE_INFINITY
  // Whoever still has a session to the old one, if it lives, gets the time to use it.
  await wait(500)
  const late = acks().filter(({at, port}) => at > readiedAt && port === old.port).length
  const outageMs = (firstOn() ?? Number.NaN) - begunAt
  await rejoin(old, next)
  for (const standby of cluster.nodes.filter((node) => node !== next)) await returns(standby, next)
  return {next, kind, what, outageMs, wasFenced, late}
}

/**
 * As a script must do it that keeps what was acknowledged: nobody acknowledges to the old primary
 * any more, then the one that has most is promoted.
 */
async function succeed(standbys: readonly PgNode[]): Promise<PgNode> {
  for (const standby of standbys) {
    await standby.sql("alter system set primary_conninfo = ''")
    await standby.sql('select pg_reload_conf()')
  }
  for (const standby of standbys)
    await until(async () => (await standby.sql('select 1 from pg_stat_wal_receiver')).length === 0)
  const received = async (node: PgNode) =>
    Number((await node.sql("select pg_last_wal_receive_lsn() - '0/0' as lsn"))[0]?.lsn)
  const ranked = await Promise.all(standbys.map(async (node) => ({node, lsn: await received(node)})))
  const [next, third] = ranked.toSorted((a, b) => b.lsn - a.lsn).map(({node}) => node) as [PgNode, PgNode]
  await next.promote()
  await third.follow(next)
  return next
}

async function meddle(what: (typeof mischief)[number], {router, serve, random}: Stage): Promise<void> {
  if (what === 'reload of HAProxy') router.reload()
  if (what === 'restart of HAProxy') await router.restart()
  if (what === 'kill -9 of serve') {
    await serve.kill()
    await wait(random() * 4_000)
    await serve.start()
  }
}

/** One that was sent more by the old primary than the next one had does not follow that one. */
async function returns(standby: PgNode, primary: PgNode): Promise<void> {
  const follows = async () => (await followersOf(primary)).includes(standby.name)
  await until(follows, 5_000).catch(async () => {
    await standby.cloneFrom(primary)
    await standby.start()
    await until(follows)
  })
}

const wait = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))
