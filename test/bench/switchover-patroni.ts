import {startPatroni} from '../lab/patroni.ts'
import {until} from '../support/cluster.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {Pgbench} from '../support/pgbench.ts'
import {pgbouncerPassword, startPgbouncer} from '../support/pgbouncer.ts'
import {run as runCommand} from '../support/run.ts'
import {startDaemon} from './daemon.ts'
import {
  databases,
  haproxyConfig,
  load,
  longestIn,
  type Switched,
  type Switches,
  statement,
  switchedFrom,
} from './switchover.ts'
import {writtenTable} from './writer.ts'

/** Real Patroni with etcd, its own switchover, and the standbys that follow by themselves. */
export async function overPatroni(count: number): Promise<Switches> {
  await using patroni = await startPatroni({
    config: {postgresql: {use_pg_rewind: true, parameters: {max_connections: 60}}},
  })
  const leader = await patroni.leader()
  await leader.sql(writtenTable)
  const nodes = patroni.nodes.map(({address}, index) => ({name: `host${index + 1}`, address, port: 5432}))
  await using pgbouncer = await startPgbouncer({settings: ['max_client_conn = 500', 'default_pool_size = 15']})
  await using haproxy = await startHaproxy(haproxyConfig(nodes))
  const admin = `postgres://postgres:${pgbouncerPassword}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
  const hosts = nodes.map(
    ({name, address}) =>
      `  ${name}: {host: ${address}, port: 5432, user: postgres, dbname: postgres, sslmode: disable}`,
  )
  await using daemon = await startDaemon(
    [
      'hosts:',
      ...hosts,
      'state_dir: state',
      `patroni: {scope: ${patroni.scope}, urls: [${patroni.nodes.map(({url}) => `"${url}"`).join(', ')}]}`,
      'confirm: [patroni]',
      `haproxy: {backends: {pg_write: primary}, instances: [{socket: ${haproxy.socket}}]}`,
      `pgbouncer: [{admin: "${admin}", include: ${pgbouncer.include}, databases: ${databases}}]`,
    ].join('\n'),
  )
  await until(async () => (await pgbouncer.leads('app')) === `${leader.address}:5432`)
  const common = {rate: load.rate, statement}
  await until(async () => Object.values(await haproxy.states()).includes('no check'))
  await using pooled = await Pgbench.start({
    ...common,
    port: pgbouncer.port,
    database: 'app',
    clients: load.pooled,
    password: pgbouncerPassword,
  })
  await using direct = await Pgbench.start({
    ...common,
    port: haproxy.port('write'),
    database: 'postgres',
    clients: load.direct,
    isReconnecting: true,
    rate: load.directRate,
  })
  const windows: {from: number; to: number; switched: Omit<Switched, 'longestMs'>}[] = []
  for (let index = 0; index < count; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2_000 + ((index * 618) % 1_000)))
    await until(() => patroni.isStreaming(), 120_000)
    const from = Date.now()
    const words = ['switchover', '--yes', '--json']
    const ran = await runCommand(words, {cwd: daemon.folder, env: {PATH: process.env.PATH ?? ''}})
    windows.push({from, to: Date.now(), switched: switchedFrom(ran)})
    if (ran.code !== 0 || process.env.VERBOSE) console.error(ran.stdout, ran.stderr)
    await until(() => patroni.isStreaming(), 120_000)
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
