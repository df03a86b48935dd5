import {setTimeout as sleep} from 'node:timers/promises'
import pg from 'pg'
import {connect} from '../../src/connector/index.ts'
import type {Database} from '../../src/connector/types.ts'
import {byProgress, Callers, callersTable, configOf, onAStandby} from '../connector/callers.ts'
import {type Cluster, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {median, ms, type Options, type Row} from './table.ts'

const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
/**
 * Queries of one round. Rounds of the two sides take turns, so that the machine is the same for both;
 * the first ones are left out, in which V8 still compiles.
 */
const [queries, rounds, warmUp] = [8_000, 11, 5]

/**
 * The connector under callers that read and write, while servers are killed, frozen, restarted and
 * replaced for --minutes (3); and what a query costs over a plain `pg.Pool` in the same process.
 */
export async function run({minutes, short}: Options): Promise<readonly Row[]> {
  await using cluster = await startTestCluster({synchronous: onAStandby})
  await cluster.node('host1').sql(callersTable)
  await using connector = await connect({
    config: configOf(cluster),
    databases: {default: {connection, read: {wait: '30s'}, write: {wait: '30s'}}},
    patience: '60s',
  })
  const db = connector.use()
  const standbys = cluster.nodes.filter(({name}) => name !== 'host1')
  await until(() => standbys.every(({name}) => db.node(name).lagBytes !== null), 60_000)
  const cost = await costs(db, cluster)
  return [cost, ...(await faults(db, cluster, short ? 1 : (minutes ?? 3)))]
}

async function costs(db: Database, cluster: Cluster): Promise<Row> {
  const pool = new pg.Pool({...connection, host: '127.0.0.1', port: cluster.node('host2').port, ssl: false, max: 10})
  const read = (value: number) => db.read('select $1::int', [value])
  const plain = (value: number) => pool.query('select $1::int', [value])
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    for (const [side, query] of [
      [ours, read],
      [theirs, plain],
    ] as const)
      side.push(await microsecondsOf(query))
  }
  await pool.end()
  const [here, there] = [median(ours.slice(warmUp)), median(theirs.slice(warmUp))]
  return {
    figure: 'CPU of a read',
    measured: `${here.toFixed(1)} µs`,
    target: '≤ 7 µs more',
    comparison: `${there.toFixed(1)} µs by pg.Pool`,
    met: here - there <= 7,
  }
}

/** CPU time of this process for each query, eight at a time. */
async function microsecondsOf(query: (value: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  const caller = async () => {
    for (let count = 0; count < queries / 8; count += 1) await query(count)
  }
  await Promise.all(Array.from({length: 8}, caller))
  const {user, system} = process.cpuUsage(before)
  return (user + system) / queries
}

type Fault = Readonly<{name: string; run(site: Site): Promise<void>}>
type Site = Readonly<{db: Database; cluster: Cluster; primary: () => PgNode; standby: () => PgNode}>

const faultList: readonly Fault[] = [
  {
    name: 'kill -9 of a reader',
    async run({standby}) {
      const node = standby()
      await node.kill()
      await sleep(1_000)
      await node.start()
    },
  },
  {
    name: 'a reader freezes for 3 s',
    async run({standby}) {
      const node = standby()
      node.hang()
      await sleep(3_000)
      node.thaw()
    },
  },
  {name: 'fast restart of a reader', run: ({standby}) => standby().restart('fast')},
  {
    name: 'a drain',
    async run({db, standby}) {
      const node = db.node(standby().name)
      await node.drain('5s')
      node.online = true
    },
  },
  {name: 'kill -9 of the primary', run: (site) => replace(site, (old) => old.kill())},
  {name: 'fast stop of the primary', run: (site) => replace(site, (old) => old.stop('fast'))},
]

async function replace({db, cluster, primary}: Site, end: (old: PgNode) => Promise<void>): Promise<void> {
  const old = primary()
  await end(old)
  const [next, third] = await byProgress(cluster.nodes.filter((node) => node !== old))
  await next.promote()
  await next.sql(`alter system set synchronous_standby_names = '${onAStandby}'`)
  await next.sql('select pg_reload_conf()')
  await third.follow(next)
  await until(() => db.verdict.routedTo === next.name, 60_000)
  await rejoin(old, next)
}

async function faults(db: Database, cluster: Cluster, minutes: number): Promise<readonly Row[]> {
  const site: Site = {
    ...{db, cluster},
    primary: () => cluster.node(db.verdict.routedTo ?? 'host1'),
    standby: () => cluster.nodes.find((node) => node.name !== db.verdict.routedTo) as PgNode,
  }
  const callers = new Callers(db, {readers: 160, writers: 40})
  const rows: Row[] = []
  const overAt = performance.now() + minutes * 60_000
  const slowest = new Map<string, number>()
  let count = 0
  for (; performance.now() < overAt || count < faultList.length; count += 1) {
    const {name, run} = faultList[count % faultList.length] as Fault
    callers.lap()
    await run(site)
    const others = () => cluster.nodes.filter((node) => node.name !== db.verdict.routedTo)
    await until(() => others().every((node) => db.node(node.name).lagBytes !== null), 60_000)
    await sleep(1_000)
    slowest.set(name, Math.max(slowest.get(name) ?? 0, callers.report.slowestReadMs))
  }
  const {reads, lost, acknowledged, unknown, refused} = callers.report
  const {missing, twice, notDoneButThere, unknownAndDone} = await callers.held(site.primary())
  const none = (figure: string, found: number, comparison: string): Row => ({
    ...{figure, comparison},
    measured: String(found),
    target: '0',
    met: found === 0,
  })
  rows.push(none('reads lost', lost.length, `of ${reads}, in ${count} faults`))
  rows.push(none('writes refused', refused.length, `${acknowledged} acknowledged`))
  rows.push(none('acknowledged writes missing', missing, `${unknown} unknown, ${unknownAndDone} of them done`))
  rows.push(none('writes done twice, or told as not done', twice + notDoneButThere, ''))
  for (const [name, longest] of slowest)
    rows.push({figure: `slowest read: ${name}`, measured: ms(longest), target: '', comparison: '', met: null})
  return rows
}
