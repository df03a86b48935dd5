import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {order} from '../../src/app/control/order.ts'
import type {WireSnapshot} from '../../src/protocol/snapshot-json.ts'
import {followersOf, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {type Pgbouncer, pgbouncerPassword, startPgbouncer} from '../support/pgbouncer.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {Poolers} from './poolers.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'
import {writtenTable} from './writer.ts'

/**
 * A host that changed is probed ten times as often for 10 s (DESIGN 5), and trouble seldom waits
 * for such a moment.
 */
const calmMs = 11_000
/** So many connections at once, each with one write after the other. */
const clients = 8

/** `from` is the blow, or the last write on the old primary where that was drained. */
type Switch = Readonly<{
  /**
   * From there to the first write on the next primary, and to the first one there of the last
   * client.
   */
  outageMs: number
  lastMs: number
  /** From there until PgBouncer was told to let its clients wait. */
  pausedMs: number
  /** That PostgreSQL took to stop and to promote. */
  serverMs: number
  /**
   * Writes that failed: under way on the old primary when it died; refused by PgBouncer because it
   * could not log in there; asked after the PAUSE.
   */
  cut: number
  refused: number
  waiting: number
}>
type Kind = 'planned' | 'crash'

/** Switches under clients that write through a real PgBouncer, which `serve` repoints. */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (lacks('PgBouncer')) throw new ToolMissing('pgbouncer', 'pgbouncer')
  const runs = short ? 3 : 10
  const {planned, crash} = await switches({kinds: ['planned', 'crash'], runs: 2 * runs, loginRetryS: 0.2})
  const {crash: usual} = await switches({kinds: ['crash'], runs: short ? 1 : 2, loginRetryS: 15})
  const times = (all: readonly Switch[], of: 'outageMs' | 'lastMs' | 'pausedMs' | 'serverMs') =>
    all.map((one) => one[of])
  const sum = (all: readonly Switch[], of: 'cut' | 'refused' | 'waiting') =>
    all.reduce((total, one) => total + one[of], 0)
  const row = (figure: string, measured: string, comparison: string, target = '', met: boolean | null = null): Row => ({
    figure,
    measured,
    target,
    comparison,
    met,
  })
  const beside = (text: string) => `server_login_retry = 15, the default: ${text}`
  const crashRow = (
    figure: string,
    measure: (all: readonly Switch[]) => string,
    target = '',
    met: boolean | null = null,
  ) =>
    row(
      `kill -9, promotion at once, server_login_retry = 0.2: ${figure}`,
      measure(crash),
      beside(measure(usual)),
      target,
      met,
    )
  const errors = sum(planned, 'cut') + sum(planned, 'refused') + sum(planned, 'waiting')
  return [
    row(
      'planned (drain, stop, promote), PAUSE: last write on the old primary → first on the next, ' +
        `${planned.length} runs`,
      middleAndWorst(times(planned, 'outageMs')),
      '',
      'median ≤ 0.5 s',
      median(times(planned, 'outageMs')) <= 500,
    ),
    row("planned: of that, PostgreSQL's own stop and promotion", middleAndWorst(times(planned, 'serverMs')), ''),
    row('planned: errors that clients saw', `${errors}`, '', '0', errors === 0),
    crashRow(
      `the kill → first write on the next primary, ${crash.length} runs`,
      (all) => middleAndWorst(times(all, 'outageMs')),
      '≤ 1.2 s',
      quantile(times(crash, 'outageMs'), 1) <= 1_200,
    ),
    crashRow('the kill → all clients are served', (all) => middleAndWorst(times(all, 'lastMs'))),
    crashRow('the kill → PAUSE', (all) => middleAndWorst(times(all, 'pausedMs'))),
    crashRow('errors of clients that waited', (all) => `${sum(all, 'waiting')}`, '0', sum(crash, 'waiting') === 0),
    crashRow(
      'writes that died with the primary; refused by PgBouncer before the PAUSE',
      (all) => `${sum(all, 'cut')}; ${sum(all, 'refused')} in ${all.length} runs`,
    ),
  ]
}

type Site = Readonly<{daemon: Daemon; pgbouncer: Pgbouncer; poolers: Poolers; old: PgNode; next: PgNode}>

async function switches({
  kinds,
  runs,
  loginRetryS,
}: Readonly<{kinds: readonly Kind[]; runs: number; loginRetryS: number}>): Promise<
  Readonly<Record<Kind, readonly Switch[]>>
> {
  await using cluster = await startTestCluster({nodes: 2})
  await cluster.nodes[0]?.sql(writtenTable)
  await using pgbouncer = await startPgbouncer({settings: [`server_login_retry = ${loginRetryS}`]})
  const admin = `postgres://postgres:${pgbouncerPassword}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
  await using daemon = await startDaemon(
    `${hostsYaml(cluster)}\npgbouncer:\n  - {admin: "${admin}", include: ${pgbouncer.include}, databases: ` +
      '{app: {role: primary, dbname: postgres}}, pause: 5s}',
  )
  const found: Record<Kind, Switch[]> = {planned: [], crash: []}
  let [old, next] = [cluster.node('host1'), cluster.node('host2')]
  await until(async () => (await pgbouncer.leads('app')) === `127.0.0.1:${old.port}`)
  await using poolers = new Poolers(pgbouncer, clients)
  for (let index = 0; index < runs; index += 1) {
    await sleep(calmMs + ((index * 618) % 1_000))
    const kind = kinds[index % kinds.length] as Kind
    const site: Site = {daemon, pgbouncer, poolers, old, next}
    found[kind].push(kind === 'planned' ? await planned(site) : await crash(site))
    await rejoin(old, next)
    if (kind === 'planned') await tell(daemon, old, 'resume')
    const [from, to] = [old, next]
    await until(async () => (await followersOf(to)).includes(from.name))
    ;[old, next] = [next, old]
  }
  return found
}

/**
 * As an operator does it: drained, PgBouncer seen to wait, the old primary stopped, the next one
 * promoted.
 */
async function planned({daemon, pgbouncer, poolers, old, next}: Site): Promise<Switch> {
  const begunAt = performance.now()
  await tell(daemon, old, 'drain')
  await until(async () => {
    const {actuators} = JSON.parse((await daemon.ask('/v1/snapshot')).body) as WireSnapshot
    const target = actuators[`pgbouncer 127.0.0.1:${pgbouncer.port}`]
    // By the pass that paused: one that was under way before the drain says nothing about it.
    const pausedAt = pauseAfter(begunAt, pgbouncer)
    return target?.status === 'in-sync' && Date.parse(target.verified_at ?? '') - performance.timeOrigin >= pausedAt
  })
  const pausedAt = performance.now()
  await old.stop('fast')
  await next.promote()
  const promotedAt = performance.now()
  await poolers.serveFrom(next.port)
  const from = poolers.acks.findLast(({port}) => port === old.port)?.endedAt ?? begunAt
  return seen({pgbouncer, poolers, next}, {begunAt, from, deadAt: begunAt, serverMs: promotedAt - pausedAt})
}

async function crash({pgbouncer, poolers, old, next}: Site): Promise<Switch> {
  const begunAt = performance.now()
  await old.kill()
  const deadAt = performance.now()
  await next.promote()
  const serverMs = performance.now() - begunAt
  await poolers.serveFrom(next.port)
  return seen({pgbouncer, poolers, next}, {begunAt, from: begunAt, deadAt, serverMs})
}

/** `deadAt`: when nothing of the old primary was left. */
function seen(
  {pgbouncer, poolers, next}: Pick<Site, 'pgbouncer' | 'poolers' | 'next'>,
  {begunAt, from, deadAt, serverMs}: Readonly<{begunAt: number; from: number; deadAt: number; serverMs: number}>,
): Switch {
  const onNext = poolers.acks.filter(({port, endedAt}) => port === next.port && endedAt > begunAt)
  const firsts = new Map<number, number>()
  for (const {client, endedAt} of onNext) if (!firsts.has(client)) firsts.set(client, endedAt)
  const pausedAt = pauseAfter(begunAt, pgbouncer)
  const failures = poolers.failures.filter(({endedAt}) => endedAt > begunAt)
  const count = (isSo: (at: number) => boolean) => failures.filter((failure) => isSo(failure.begunAt)).length
  return {
    outageMs: (onNext[0]?.endedAt ?? Number.NaN) - from,
    lastMs: Math.max(...firsts.values()) - from,
    pausedMs: pausedAt - from,
    serverMs,
    cut: count((at) => at <= deadAt),
    refused: count((at) => at > deadAt && at <= pausedAt),
    waiting: count((at) => at > Math.max(deadAt, pausedAt)),
  }
}

/**
 * `2026-11-21 08:31:06.123 UTC [4711] LOG PAUSE 'app' command issued`, in this process's time;
 * infinite: none yet.
 */
const pauseAfter = (begunAt: number, {output}: Pgbouncer): number =>
  [...output.matchAll(/^(\S+ \S+) UTC .*PAUSE 'app' command issued/gm)]
    .map(([, at]) => Date.parse(`${at?.replace(' ', 'T')}Z`) - performance.timeOrigin)
    .find((at) => at > begunAt) ?? Number.POSITIVE_INFINITY

const tell = ({folder}: Daemon, {name}: PgNode, verb: 'drain' | 'resume') =>
  order({socket: join(folder, 'control.sock')}, `/v1/hosts/${name}/${verb}`, {})

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const middleAndWorst = (times: readonly number[]): string =>
  `median ${seconds(median(times))}, worst ${seconds(quantile(times, 1))}`
