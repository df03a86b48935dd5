import {followersOf, hostsYaml, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {Mover} from '../support/mover.ts'
import {lacks} from '../support/parts.ts'
import {Pgbench, type PgbenchEnd} from '../support/pgbench.ts'
import {pgbouncerPassword, startPgbouncer} from '../support/pgbouncer.ts'
import {type Ran, run as runCommand} from '../support/run.ts'
import {startDaemon} from './daemon.ts'
import {overPatroni} from './switchover-patroni.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'
import {writtenTable} from './writer.ts'

/** One `pgroute66 switchover` under load. `waitedMs`: by the command. `longestMs`: of pgbench's transactions. */
export type Switched = Readonly<{
  waitedMs: number
  longestMs: number
  code: number | null
  said: string
}>
export type Switches = Readonly<{
  switches: readonly Switched[]
  /** Of the clients through PgBouncer, and of those that connect through HAProxy each time. */
  errors: Readonly<Record<'pooled' | 'direct', readonly string[]>>
  transactions: number
}>

export const databases = '{app: {role: primary, dbname: postgres}}'
export const statement = 'insert into written (port) values (inet_server_port())'
/** Clients of PgBouncer in transaction mode, and those that connect through HAProxy for each transaction. */
export const load = {pooled: 200, direct: 10, rate: 400, directRate: 40} as const

/** Planned switches under pgbench, by a command and by Patroni. */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  if (lacks('PgBouncer')) throw new ToolMissing('pgbouncer', 'pgbouncer')
  if (lacks('HAProxy')) throw new ToolMissing('haproxy', 'haproxy')
  const count = runs ?? (short ? 3 : 20)
  const byCommand = await overCommand(count)
  console.error('by a command: done')
  const byPatroni = lacks('Patroni') || lacks('etcd') ? null : await overPatroni(count)
  return [
    ...rowsOf('--via run (stop, promote)', byCommand),
    ...(byPatroni === null ? [] : rowsOf('--via patroni', byPatroni)),
  ]
}

function rowsOf(name: string, {switches, errors, transactions}: Switches): readonly Row[] {
  const count = switches.length
  const done = switches.filter(({code}) => code === 0).length
  const waited = switches.map(({waitedMs}) => waitedMs)
  const longest = switches.map(({longestMs}) => longestMs)
  const row = (figure: string, measured: string, target = '', met: boolean | null = null): Row => ({
    figure: `${name}: ${figure}`,
    measured,
    target,
    comparison: '',
    met,
  })
  const middleAndWorst = (times: readonly number[]) =>
    `median ${(median(times) / 1_000).toFixed(2)} s, worst ${(quantile(times, 1) / 1_000).toFixed(2)} s`
  return [
    row(`switches that were done, of ${count}`, `${done}`, `${count}`, done === count),
    row(
      `lines of errors of ${load.pooled} clients through PgBouncer, in ${transactions} transactions`,
      linesOf(errors.pooled),
      '0',
      errors.pooled.length === 0,
    ),
    // HAProxy before 3.1 refuses new clients while it holds; pgbench then gives the client up.
    row(`lines of errors of ${load.direct} clients that connect through HAProxy each time`, linesOf(errors.direct)),
    row('clients waited, by the command', middleAndWorst(waited), '≤ 1.5 s', quantile(waited, 1) <= 1_500),
    row('the longest transaction of a client', middleAndWorst(longest)),
  ]
}

const linesOf = (errors: readonly string[]): string => `${errors.length}${errors.length === 0 ? '' : ` (${errors[0]})`}`

/** The longest transaction that was open at some moment of the switch. */
export const longestIn = ({transactions}: PgbenchEnd, from: number, to: number): number =>
  Math.max(0, ...transactions.filter(({endedAt, ms}) => endedAt >= from && endedAt - ms <= to).map(({ms}) => ms))

export function switchedFrom({code, stdout, stderr}: Ran): Omit<Switched, 'longestMs'> {
  const found = /^\{.*\}$/m.exec(stdout)?.[0]
  const {times_ms: times} = found === undefined ? {times_ms: {}} : JSON.parse(found)
  return {code, waitedMs: times?.ended ?? Number.NaN, said: stdout + stderr}
}

async function overCommand(count: number): Promise<Switches> {
  await using cluster = await startTestCluster({nodes: 2})
  let [old, next] = [cluster.node('host1'), cluster.node('host2')]
  await old.sql(writtenTable)
  await using pgbouncer = await startPgbouncer({settings: ['max_client_conn = 500', 'default_pool_size = 15']})
  await using haproxy = await startHaproxy(haproxyConfig(cluster.nodes))
  const admin = `postgres://postgres:${pgbouncerPassword}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
  await using daemon = await startDaemon(
    [
      hostsYaml(cluster),
      'state_dir: state',
      `haproxy: {backends: {pg_write: primary}, instances: [{socket: ${haproxy.socket}}]}`,
      `pgbouncer: [{admin: "${admin}", include: ${pgbouncer.include}, databases: ${databases}}]`,
    ].join('\n'),
  )
  await using mover = await Mover.start(cluster)
  await until(async () => (await pgbouncer.leads('app')) === `127.0.0.1:${old.port}`)
  await until(async () => Object.values(await haproxy.states()).includes('no check'))
  await using pooled = await Pgbench.start({
    port: pgbouncer.port,
    database: 'app',
    clients: load.pooled,
    password: pgbouncerPassword,
    rate: load.rate,
    statement,
  })
  await using direct = await Pgbench.start({
    port: haproxy.port('write'),
    database: 'postgres',
    clients: load.direct,
    isReconnecting: true,
    rate: load.directRate,
    statement,
  })
  const windows: {from: number; to: number; switched: Omit<Switched, 'longestMs'>}[] = []
  for (let index = 0; index < count; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2_000 + ((index * 618) % 1_000)))
    const begunAt = Date.now()
    const words = ['switchover', next.name, '--yes', '--json', '--via', 'run', '--', ...mover.command]
    const ran = await runCommand(words, {cwd: daemon.folder, env: {PATH: process.env.PATH ?? ''}})
    windows.push({from: begunAt, to: Date.now(), switched: switchedFrom(ran)})
    if (ran.code !== 0 || process.env.VERBOSE) console.error(ran.stdout, ran.stderr)
    // Where it was given up, everything is as before.
    if (ran.code !== 0) continue
    await rejoin(old, next)
    const [from, to] = [old, next]
    await until(async () => (await followersOf(to)).includes(from.name))
    ;[old, next] = [next, old]
  }
  const [a, b] = [await pooled.end(), await direct.end()]
  return {
    switches: windows.map(({from, to, switched}) => ({
      ...switched,
      longestMs: Math.max(longestIn(a, from, to), longestIn(b, from, to)),
    })),
    errors: {pooled: a.errors, direct: b.errors},
    transactions: a.transactions.length + b.transactions.length,
  }
}

export const haproxyConfig = (servers: readonly Readonly<{name: string; port: number; address?: string}>[]): string =>
  `
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
listen pg_write
    bind 127.0.0.1:{port:write}
    retries 0
${servers.map(({name, port, address = '127.0.0.1'}) => `    server ${name} ${address}:${port} disabled`).join('\n')}
`
