import {setTimeout as sleep} from 'node:timers/promises'
import {connect} from '../../src/connector/index.ts'
import {Callers, callersTable, configOf} from '../connector/callers.ts'
import {startTestCluster, until} from '../support/cluster.ts'
import {ms, type Options, type Row} from './table.ts'

const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
const [readers, frozenMs, lateMs, hedgedMs] = [12, 3_000, 500, 300]

/** The slowest read while a reader freezes for three seconds (--runs, 5), with `hedge: 50ms` and without. */
export async function run({runs, short}: Options): Promise<readonly Row[]> {
  await using cluster = await startTestCluster()
  await cluster.node('host1').sql(callersTable)
  const common = {connection, read: {wait: '60s'}, write: {wait: '60s'}} as const
  await using connector = await connect({
    config: configOf(cluster),
    databases: {plain: common, hedged: {...common, read: {wait: '60s', hedge: '50ms'}}},
    patience: '60s',
  })
  const [plain, hedged] = [connector.use('plain'), connector.use('hedged')]
  const areIn = () => ['host2', 'host3'].every((name) => plain.node(name).lagBytes !== null)
  await until(areIn, 60_000)
  const found = {detected: 0, plain: 0, hedged: 0, lost: 0}
  for (let run = 0; run < (runs ?? (short ? 1 : 5)); run += 1) {
    const node = cluster.node(run % 2 === 0 ? 'host2' : 'host3')
    const callers = [plain, hedged].map((db) => new Callers(db, {readers: readers / 2, writers: 0, pauseMs: 20}))
    const [one, other] = callers
    // New connections are slow, and are not what is measured.
    await until(() => callers.every(({report}) => report.reads > 200), 60_000)
    for (const each of callers) each.lap()
    const begun = performance.now()
    node.hang()
    await until(() => plain.node(node.name).role === 'unavailable', 60_000)
    found.detected = Math.max(found.detected, performance.now() - begun)
    await sleep(frozenMs)
    node.thaw()
    await until(areIn, 60_000)
    for (const each of callers) await each[Symbol.asyncDispose]()
    found.plain = Math.max(found.plain, one?.report.slowestReadMs ?? 0)
    found.hedged = Math.max(found.hedged, other?.report.slowestReadMs ?? 0)
    found.lost += callers.reduce((sum, {report}) => sum + report.lost.length, 0)
  }
  const limit = found.detected + lateMs
  return [
    {
      ...{figure: 'slowest read while a reader freezes', measured: ms(found.plain), target: `≤ ${ms(limit)}`},
      ...{
        comparison: `detected after ${ms(found.detected)} at most, ${found.lost} reads lost`,
        met: found.plain <= limit,
      },
    },
    {
      ...{figure: 'the same with a hedge of 50 ms', measured: ms(found.hedged), target: `≤ ${hedgedMs} ms`},
      ...{comparison: '', met: found.hedged <= hedgedMs},
    },
  ]
}
