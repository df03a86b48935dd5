import pg from 'pg'
import {connect} from '../../src/connector/index.ts'
import {configOf} from '../connector/callers.ts'
import {startTestCluster, until} from '../support/cluster.ts'
import {median, ms, type Options, quantile, type Row} from './table.ts'

const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
/**
 * Queries of one round. Rounds of the two sides take turns, so that the machine is the same for
 * both; the first ones are left out, in which V8 still compiles.
 */
const [queries, warmUp] = [8_000, 6]

type Round = Readonly<{cpuUs: number; p99Ms: number}>

/** What a read and a write of the connector cost over a plain `pg.Pool` to the same server. */
export async function run({short}: Options): Promise<readonly Row[]> {
  await using cluster = await startTestCluster({nodes: 2})
  await using connector = await connect({
    config: configOf(cluster),
    databases: {default: {connection, read: {wait: '30s'}, write: {wait: '30s'}}},
    patience: '60s',
  })
  const db = connector.use()
  await until(() => db.node('host2').lagBytes !== null, 60_000)
  const rounds = warmUp + (short ? 5 : 25)
  const poolOf = (host: string) =>
    new pg.Pool({...connection, host: '127.0.0.1', port: cluster.node(host).port, ssl: false, max: 10})
  const [reader, writer] = [poolOf('host2'), poolOf('host1')]
  try {
    const text = 'select $1::int'
    return [
      ...(await paired(
        'a read',
        rounds,
        (value) => db.read(text, [value]),
        (value) => reader.query(text, [value]),
      )),
      ...(await paired(
        'a write',
        rounds,
        (value) => db.write(text, [value]),
        (value) => writer.query(text, [value]),
      )),
    ]
  } finally {
    await Promise.all([reader.end(), writer.end()])
  }
}

type Query = (value: number) => Promise<unknown>

async function paired(what: string, rounds: number, ours: Query, theirs: Query): Promise<readonly Row[]> {
  const pairs: (readonly [Round, Round])[] = []
  for (let round = 0; round < rounds; round += 1) pairs.push([await played(ours), await played(theirs)])
  const counted = pairs.slice(warmUp)
  const of = (side: 0 | 1, value: (round: Round) => number) => median(counted.map((pair) => value(pair[side])))
  const more = median(counted.map(([one, other]) => one.cpuUs - other.cpuUs))
  const slower = median(counted.map(([one, other]) => one.p99Ms / other.p99Ms))
  return [
    {
      ...{figure: `CPU of ${what}, more than by pg.Pool`, measured: `${more.toFixed(1)} µs`, target: '≤ 7 µs'},
      comparison: `${of(0, ({cpuUs}) => cpuUs).toFixed(1)} and ${of(1, ({cpuUs}) => cpuUs).toFixed(1)} µs`,
      met: more <= 7,
    },
    {
      ...{figure: `p99 of ${what}, as a share of pg.Pool's`, measured: `${(100 * slower).toFixed(0)} %`, target: ''},
      comparison: `${ms(of(0, ({p99Ms}) => p99Ms))} and ${ms(of(1, ({p99Ms}) => p99Ms))}`,
      met: null,
    },
  ]
}

/** CPU time of this process for each query, and how long the slow ones take, eight at a time. */
async function played(query: Query): Promise<Round> {
  const took = new Float64Array(queries)
  const before = process.cpuUsage()
  const caller = async (index: number) => {
    for (let count = index; count < queries; count += 8) {
      const begun = performance.now()
      await query(count)
      took[count] = performance.now() - begun
    }
  }
  await Promise.all(Array.from({length: 8}, (_, index) => caller(index)))
  const {user, system} = process.cpuUsage(before)
  return {cpuUs: (user + system) / queries, p99Ms: quantile([...took], 0.99)}
}
