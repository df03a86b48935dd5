import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Cluster, startCluster} from '../../../src/demo/cluster.ts'
import {type Network, network} from '../../lab/network.ts'
import {debian} from '../../support/cluster.ts'
import {printed} from '../printed.ts'
import {Writer, writtenTable} from '../writer.ts'
import {Names} from './names.ts'
import {Router, Serve, Watch} from './parts.ts'

const [port, api] = [5432, 8080]

/**
 * Three servers and a router, each a machine of a network. On the router run `serve` and a real
 * HAProxy with the printed file of style push; writers reach HAProxy over a unix socket.
 */
export type Site = AsyncDisposable &
  Readonly<{
    net: Network
    cluster: Cluster
    names: Names
    config: string
    serve: Serve
    router: Router
    watch: Watch
    /** All that was acknowledged, by the number of the host: 2 of host2. */
    writers: readonly Writer[]
  }>

export async function startSite(): Promise<Site> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-chaos-'))
  parts.defer(() => rm(folder, {recursive: true, force: true}))
  const net = parts.use(await network(['host1', 'host2', 'host3', 'router']))
  const cluster = parts.use(
    await startCluster({
      binaries: debian,
      port,
      hba: ['host all pgroute66 samenet trust'],
      place: (name) => net.node(name),
    }),
  )
  await cluster.nodes[0]?.sql(writtenTable)
  for (const node of cluster.nodes) {
    await node.sql("alter system set synchronous_standby_names = 'ANY 1 (host1, host2, host3)'")
    await node.sql('select pg_reload_conf()')
  }
  const addresses = cluster.nodes.map(({name}) => [name, net.node(name).address])
  const names = new Names(join(folder, 'hosts'), Object.fromEntries(addresses))
  const within = [...net.node('router').within, ...names.within]
  const config = await writeConfig(folder, cluster)
  const router = parts.use(new Router(folder, await haproxyConfig(folder, config, cluster), within))
  router.start()
  const serve = parts.use(new Serve(config, within))
  await serve.start()
  const watch = parts.use(
    new Watch(join(folder, 'push.sock'), new Map(addresses.map(([name, at]) => [at ?? '', name ?? '']))),
  )
  const writers = [0, 1, 2, 3].map((index) =>
    parts.use(new Writer(port, `w${index}`, {host: folder, identity: 'host'})),
  )
  const all = parts.move()
  return {net, cluster, names, config, serve, router, watch, writers, [Symbol.asyncDispose]: () => all.disposeAsync()}
}

async function writeConfig(folder: string, {nodes}: Cluster): Promise<string> {
  const path = join(folder, 'pgroute66.yml')
  const host = ({name}: {name: string}) =>
    `  ${name}: {host: ${name}.chaos, port: ${port}, user: pgroute66, dbname: postgres, sslmode: disable}`
  const lines = [
    'hosts:',
    ...nodes.map(host),
    'haproxy:',
    '  backends: {pg_write: primary, pg_read: replica}',
    `  instances: [{socket: ${folder}/push.sock, master_socket: ${folder}/master.sock}]`,
    `bind: 127.0.0.1\nport: ${api}\nstate_dir: ${folder}/state\nsocket: ${folder}/run.sock`,
  ]
  await writeFile(path, `${lines.join('\n')}\n`, {mode: 0o600})
  return path
}

async function haproxyConfig(folder: string, config: string, {nodes}: Cluster): Promise<string> {
  const hosts = nodes.map(({name}) => ({name, port}))
  const file = await printed('push').haproxyConfig({folder, hosts, ports: [], api, config})
  return file
    .replace('127.0.0.1:{port:write}', `unix@${folder}/.s.PGSQL.${port} mode 666`)
    .replace('127.0.0.1:{port:read}', `unix@${folder}/.s.PGSQL.${port + 1} mode 666`)
}
