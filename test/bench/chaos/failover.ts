import {rename, rm} from 'node:fs/promises'
import type {Random} from '../../../src/core/ports.ts'
import {cloneData} from '../../../src/demo/clone.ts'
import {followersOf, type PgNode, rejoin, until} from '../../support/cluster.ts'
import {run} from '../../support/run.ts'
import {pick} from '../../support/seeded-random.ts'
import type {Site} from './site.ts'

/** What strikes the primary. It stays up from `both primary` on. */
export const kinds = [
  'crash',
  'freeze',
  'snapshot restored',
  'both primary',
  'cut off from the router',
  'cut off from all',
  'answers to the router are lost',
  'reset towards the router',
  'new connections from the router are reset',
] as const
export type Kind = (typeof kinds)[number]
export const mischief = [
  'reload of HAProxy',
  'restart of HAProxy',
  'kill -9 of serve',
  'names swapped',
  'nothing',
] as const
export type Mischief = (typeof mischief)[number]

/** When routing has not gone on by then, the operator does what the runbook says. */
const graceMs = 5_000
const limitMs = 90_000

/** `outageMs`: from the blow to the first write on the next primary. */
export type Failover = Readonly<{outageMs: number; wasHelped: boolean; late: number}>
export type Stage = Site & Readonly<{random: Random}>

/** One failover; the site is whole again, with `next` as primary, when it returns. */
export async function failOver(
  old: PgNode,
  stage: Stage,
  {kind, what}: Readonly<{kind: Kind; what: Mischief}>,
): Promise<Failover & Readonly<{next: PgNode}>> {
  const {random, cluster, watch, net} = stage
  const acks = () => stage.writers.flatMap((writer) => writer.acks.slice(-5_000))
  const firstOn = (node: PgNode, since: number) =>
    acks().find(({at, port}) => at > since && port === numberOf(node))?.at ?? null
  const calmAt = performance.now()
  await until(() => watch.up.join() === old.name && firstOn(old, calmAt) !== null, limitMs)
  await wait(random() * 1_500)

  const meddling = wait(random() * 1_500).then(() => meddle(what, stage))
  await wait(random() * 500)
  const begunAt = performance.now()
  await strike(kind, old, stage)
  const {next, third} = await succeed(cluster.nodes.filter((node) => node !== old))
  // Without a standby the next one acknowledges nothing.
  const following = returns(third, next)
  const isResumed = () => firstOn(next, begunAt) !== null
  await Promise.all([meddling, following])
  const wasHelped = await until(isResumed, graceMs).then(
    () => false,
    () => true,
  )
  if (wasHelped) await decideFor(next, old, isResumed, stage)
  const readiedAt =
    watch.changes.find(({at, up}) => at > begunAt && up.join() === next.name)?.at ?? Number.POSITIVE_INFINITY
  watch.behind.set(old.name, performance.now())
  // A client that still has a session to the old one, if it lives, gets the time to use it.
  await wait(500)
  const outageMs = (firstOn(next, begunAt) ?? Number.NaN) - begunAt
  // The network heals, and the old primary shows itself, before or after it is stopped.
  if (random() < 0.5) await net.heal()
  await wait(random() * 1_500)
  const late = acks().filter(({at, port}) => at > readiedAt && port === numberOf(old)).length
  await stopped(old, random)
  await net.heal()
  const healedAt = performance.now()
  await decideFor(next, old, () => firstOn(next, healedAt) !== null, stage)
  await rejoin(old, next)
  watch.behind.delete(old.name)
  for (const standby of cluster.nodes.filter((node) => node !== next)) await returns(standby, next)
  return {next, outageMs, wasHelped, late}
}

const numberOf = ({name}: PgNode): number => Number(name.slice(4))

async function strike(kind: Kind, old: PgNode, {net, watch, random}: Stage): Promise<void> {
  if (kind === 'crash') await old.kill()
  else if (kind === 'freeze') {
    old.hang()
    await wait(random() * 2_500)
  } else if (kind === 'snapshot restored') {
    const snapshot = `${old.data}.snapshot`
    await cloneData(old, snapshot)
    // In a later file of WAL: a standby begins again at the begin of its file, and would take another
    // history from the restored server over what it has acknowledged.
    await old.sql('select pg_switch_wal()')
    await wait(300 + random() * 1_000)
    await old.kill()
    await rm(old.data, {recursive: true})
    await rename(snapshot, old.data)
    watch.behind.set(old.name, performance.now())
    await old.start()
  } else if (kind === 'cut off from the router') await net.cut('router', old.name)
  else if (kind === 'cut off from all')
    for (const name of ['router', 'host1', 'host2', 'host3']) {
      if (name !== old.name) await net.cut(name, old.name)
    }
  else if (kind === 'answers to the router are lost') await net.cut(old.name, 'router', {oneWay: true})
  else if (kind === 'reset towards the router') await net.reset('router', old.name, 'all')
  else if (kind === 'new connections from the router are reset') await net.reset('router', old.name, 'new')
  await wait(random() * 2_000)
}

/**
 * As a script must do it that keeps what was acknowledged: no standby acknowledges to the old
 * primary any more, then the one that has most is promoted.
 */
async function succeed(standbys: readonly PgNode[]): Promise<Readonly<Record<'next' | 'third', PgNode>>> {
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
  return {next, third}
}

/** The runbook: stop the host that does not stay, and where that is not enough, say so. */
async function decideFor(next: PgNode, old: PgNode, isResumed: () => boolean, stage: Stage): Promise<void> {
  const {names, net, config, random} = stage
  const hasResumed = () =>
    until(isResumed, 1_500).then(
      () => true,
      () => false,
    )
  if (await hasResumed()) return
  await stopped(old, random)
  const givenUpAt = performance.now() + limitMs
  while (!(await hasResumed())) {
    const check = await run(['check', '-c', config])
    if (performance.now() > givenUpAt) throw new Error(`${next.name} gets no writes`)
    if (check.code === 4) await run(['accept', names.of(net.node(next.name).address), '-c', config])
  }
}

/** Half of the time it says that it stops. */
async function stopped(old: PgNode, random: Random): Promise<void> {
  if (!old.isRunning) return
  if (old.isHung || random() < 0.5) await old.kill()
  else await old.stop('fast')
}

async function meddle(what: Mischief, {router, serve, random, names, watch}: Stage): Promise<void> {
  if (what === 'reload of HAProxy') router.reload()
  if (what === 'restart of HAProxy') await router.restart()
  if (what === 'kill -9 of serve') {
    watch.isUntold = true
    await serve.kill()
    await wait(random() * 4_000)
    await serve.start()
    await until(() => serve.isInStep(), limitMs)
    watch.isUntold = false
  }
  if (what === 'names swapped') {
    const [one, other] = pick(random, [
      ['host1', 'host2'],
      ['host2', 'host3'],
      ['host3', 'host1'],
    ] as const)
    names.swap(one, other)
    await wait(random() * 3_000)
    // HAProxy resolves the names of its servers when it is loaded.
    router.reload()
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
