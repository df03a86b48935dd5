import {setTimeout as sleep} from 'node:timers/promises'
import {connect} from '../../src/connector/index.ts'
import type {Database} from '../../src/connector/types.ts'
import {byProgress, configOf} from '../connector/callers.ts'
import {type Cluster, rejoin, startTestCluster, until} from '../support/cluster.ts'
import type {Options, Row} from './table.ts'

const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
const callers = 16
type Counts = {pairs: number; stale: number; byStandby: number; forked: number; failed: number}

/**
 * Pairs of a write and a read after its token (--runs, 100,000), under load: while replay is paused
 * and resumed, and through a failover. A read that does not show its write is stale.
 */
export async function run({runs, short}: Options): Promise<readonly Row[]> {
  const wanted = runs ?? (short ? 2_000 : 100_000)
  await using cluster = await startTestCluster()
  await cluster.node('host1').sql('create table pairs (id int primary key, word text); grant all on pairs to pgroute66')
  await using connector = await connect({
    config: configOf(cluster),
    databases: {default: {connection, read: {wait: '2m'}, write: {wait: '2m'}}},
    patience: '60s',
  })
  const db = connector.use()
  await settled(db, cluster)
  const counts: Counts = {pairs: 0, stale: 0, byStandby: 0, forked: 0, failed: 0}
  let last = 0
  const caller = async () => {
    while (last < wanted) await pair(db, last++, counts)
  }
  const all = Promise.all(Array.from({length: callers}, caller))
  await pauses(cluster, db, () => counts.pairs >= wanted / 2)
  await failover(cluster, db)
  await all
  return [
    {
      ...{figure: 'stale reads after a token', measured: `${counts.stale}`, target: '0', met: counts.stale === 0},
      comparison: `${counts.pairs} pairs, ${counts.byStandby} read on standbys, ${counts.forked} told as forked`,
    },
    {
      ...{figure: 'pairs that failed, by the failover', measured: `${counts.failed}`, target: '', met: null},
      comparison: `${callers} callers`,
    },
  ]
}

async function pair(db: Database, id: number, counts: Counts): Promise<void> {
  try {
    // Lengths of all kinds, so that records end with their page now and then.
    const length = 1 + ((id * 7_919) % 600)
    const write = 'insert into pairs values ($1, repeat($2, $3))'
    const {token} = await db.write(write, [id, 'x', length], {token: true})
    if (token === undefined) return
    const read = await db.read('select 1 from pairs where id = $1', [id], {after: token})
    counts.pairs += 1
    if (read.token === 'forked') counts.forked += 1
    else if (read.rows.length !== 1) counts.stale += 1
    if (read.host !== db.verdict.routedTo) counts.byStandby += 1
  } catch {
    counts.failed += 1
    await sleep(20)
  }
}

/** One standby, or both, pause their replay for a moment. */
async function pauses(cluster: Cluster, db: Database, isOver: () => boolean): Promise<void> {
  const standbys = cluster.nodes.filter(({name}) => name !== db.verdict.routedTo)
  for (let round = 0; !isOver(); round += 1) {
    const paused = round % 3 === 2 ? standbys : standbys.slice(round % 3, (round % 3) + 1)
    await Promise.all(paused.map((node) => node.sql('select pg_wal_replay_pause()')))
    await sleep(800)
    await Promise.all(paused.map((node) => node.sql('select pg_wal_replay_resume()')))
    await sleep(1_500)
  }
}

async function failover(cluster: Cluster, db: Database): Promise<void> {
  const old = cluster.node(db.verdict.routedTo ?? 'host1')
  await old.kill()
  const [next, third] = await byProgress(cluster.nodes.filter((node) => node !== old))
  await next.promote()
  await third.follow(next)
  await until(() => db.verdict.routedTo === next.name, 600_000)
  await rejoin(old, next)
  await settled(db, cluster)
}

const settled = (db: Database, {nodes}: Cluster) =>
  until(
    () => nodes.filter(({name}) => name !== db.verdict.routedTo).every(({name}) => db.node(name).lagBytes !== null),
    600_000,
  )
