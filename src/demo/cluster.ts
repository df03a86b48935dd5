import {rmSync} from 'node:fs'
import {chmod, chown, mkdtemp, rm} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {accountForPostgres} from './account.ts'
import {type Binaries, embeddedBinaries} from './binaries.ts'
import {PgNode} from './node.ts'
import {signalAll} from './processes.ts'

export type ClusterOptions = Readonly<{
  nodes?: number
  /** Default: the PostgreSQL that comes by npm. */
  binaries?: Binaries
  /** Lines for every node's postgresql.conf. */
  conf?: readonly string[]
  /** Lines for every node's pg_hba.conf, before those that let the superuser in. */
  hba?: readonly string[]
  /** Called with the folder before any server starts: for certificates and the like. */
  prepare?: (folder: string, own: (path: string) => Promise<void>) => Promise<void>
}>

/** Real servers, the first one primary, the others streaming from it. Disposing it leaves no process and no folder. */
export interface Cluster extends AsyncDisposable {
  readonly folder: string
  readonly nodes: readonly PgNode[]
  /** By name; throws when there is none. */
  node(name: string): PgNode
}

/** The role that pgroute66 logs in with: no more than it needs. */
export const monitoringRole = "create role pgroute66 login password 'pgroute66'; grant pg_read_all_stats to pgroute66"

export async function startCluster({nodes: count = 3, binaries, conf = [], hba = [], prepare}: ClusterOptions = {}): Promise<Cluster> {
  const account = accountForPostgres()
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-'))
  const nodes: PgNode[] = []
  // The last resort: whatever ends this process, no server outlives it.
  const abandon = () => {
    for (const node of nodes) signalAll([...node.pids()].reverse(), 'SIGKILL')
    rmSync(folder, {recursive: true, force: true, maxRetries: 5})
  }
  process.once('exit', abandon)
  const cluster: Cluster = {
    folder,
    nodes,
    node(name) {
      const found = nodes.find((node) => node.name === name)
      if (!found) throw new Error(`the cluster has no node ${name}`)
      return found
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()))
      await rm(folder, {recursive: true, force: true, maxRetries: 5, retryDelay: 50})
      process.off('exit', abandon)
    },
  }
  try {
    const own = async (path: string) => {
      if (account) await chown(path, account.uid, account.gid)
    }
    await chmod(folder, 0o755)
    await own(folder)
    await prepare?.(folder, own)
    const found = binaries ?? (await embeddedBinaries(folder))
    const ports = await freePorts(count)
    const made = hba.length > 0 ? hba : ['host all pgroute66 127.0.0.1/32 trust']
    for (const [index, port] of ports.entries())
      nodes.push(new PgNode({name: `host${index + 1}`, folder, port, binaries: found, account, conf, hba: made}))
    const [primary, ...standbys] = nodes
    await primary?.init()
    await primary?.start()
    await primary?.sql(monitoringRole)
    for (const standby of standbys) {
      await standby.cloneFrom(primary as PgNode)
      await standby.start()
    }
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

/** Asked for together, so that they differ. Between the asking and the using somebody else may take one: PostgreSQL then says so and does not start. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({length: count}, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server)))
    }),
  )
  const ports = servers.map((server) => (server.address() as {port: number}).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
