import {rmSync} from 'node:fs'
import {access, chmod, chown, constants, mkdir, mkdtemp, rm, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Binaries, embeddedBinaries} from './binaries.ts'
import {freePorts, isTaken} from './free-ports.ts'
import {PgNode} from './node.ts'
import {loopback, type Place} from './node-conf.ts'
import {type OsAccount, postgresAccount} from './os-account.ts'
import {dropSharedMemory} from './postmaster-file.ts'
import {signalAll} from './processes.ts'
import {startReaper} from './reaper.ts'

export type ClusterOptions = Readonly<{
  nodes?: number
  /** Default: the PostgreSQL from npm. */
  binaries?: Binaries
  /** Lines for postgresql.conf: the same for every node, or by the name of the node. */
  conf?: readonly string[] | ((name: string) => readonly string[])
  /** Lines for pg_hba.conf of every node, before the lines for the superuser. */
  hba?: readonly string[]
  /** The upstream of each standby, by name; default: host1. */
  upstreams?: Readonly<Record<string, string>>
  /** Where a node runs, by its name; default: on the loopback address. */
  place?: (name: string) => Place
  /** The same for every node, each of which has a place with an address of its own; default: free ones. */
  port?: number
  /** Called with the folder before any server starts: for certificates and the like. */
  prepare?: (folder: string, own: (path: string) => Promise<void>) => Promise<void>
  /** Aborts the start. `startCluster` rejects once everything that it started has ended. */
  signal?: AbortSignal
}>

/**
 * Real servers: host1 is the primary, the others stream. Disposal leaves no process, no folder and
 * no shared memory behind.
 */
export interface Cluster extends AsyncDisposable {
  readonly folder: string
  readonly nodes: readonly PgNode[]
  /** The node with this name; throws where there is none. */
  node(name: string): PgNode
}

/** The role that pgroute66 logs in with: no more than it needs. */
export const monitoringRole = "create role pgroute66 login password 'pgroute66'; grant pg_read_all_stats to pgroute66"

/** Throws OperatorError where there is no PostgreSQL for this platform. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  for (let attempt = 1; ; attempt += 1) {
    const account = postgresAccount()
    const folder = await mkdtemp(join(await temporaryFolder(account), 'pgroute66-'))
    const ports = await freePorts(options.nodes ?? 3)
    const nodes: PgNode[] = []
    const cluster = clusterOf(folder, nodes, ports)
    try {
      await build(options, {account, folder, ports: ports.ports, nodes})
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      // Another process may take a port between the search for it and the start of the server.
      const isUnlucky = (await Promise.all(ports.ports.map(isTaken))).includes(true)
      if (!isUnlucky || attempt === 3 || options.signal?.aborted) throw error
    }
  }
}

function clusterOf(folder: string, nodes: readonly PgNode[], ports: AsyncDisposable): Cluster {
  const callOff = startReaper(folder)
  const abandon = () => {
    signalAll(
      nodes.flatMap((node) => node.pids()),
      'SIGKILL',
    )
    for (const node of nodes) dropSharedMemory(node.data)
    rmSync(folder, {recursive: true, force: true, maxRetries: 5})
  }
  process.once('exit', abandon)
  return {
    folder,
    nodes,
    node(name) {
      const found = nodes.find((node) => node.name === name)
      if (!found) throw new Error(`the cluster has no node ${name}`)
      return found
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()))
      for (const node of nodes) dropSharedMemory(node.data)
      await rm(folder, {recursive: true, force: true, maxRetries: 5, retryDelay: 50})
      await ports[Symbol.asyncDispose]()
      process.off('exit', abandon)
      callOff()
    },
  }
}

type Site = Readonly<{account: OsAccount | null; folder: string; ports: readonly number[]; nodes: PgNode[]}>

async function build(options: ClusterOptions, {account, folder, ports, nodes}: Site): Promise<void> {
  const {
    conf = [],
    hba = ['host all pgroute66 127.0.0.1/32 trust'],
    upstreams = {},
    place = () => loopback,
    signal,
  } = options
  const own = async (path: string) => {
    if (account) await chown(path, account.uid, account.gid)
  }
  await chmod(folder, 0o755)
  await own(folder)
  await options.prepare?.(folder, own)
  const binaries = options.binaries ?? (await embeddedBinaries(folder, account))
  for (const [index, port] of ports.entries()) {
    const name = `host${index + 1}`
    const sockets = options.port === undefined ? folder : join(folder, `${name}.sockets`)
    await mkdir(sockets, {recursive: true})
    await own(sockets)
    nodes.push(
      new PgNode({
        name,
        folder,
        sockets,
        port: options.port ?? port,
        binaries,
        account,
        conf: typeof conf === 'function' ? conf(name) : conf,
        hba,
        place: place(name),
      }),
    )
  }
  const [primary, ...standbys] = nodes
  if (primary === undefined) throw new Error('a cluster has at least one node')
  signal?.throwIfAborted()
  await primary.init()
  signal?.throwIfAborted()
  await primary.start()
  await primary.sql(monitoringRole)
  for (const standby of standbys) {
    signal?.throwIfAborted()
    await standby.cloneFrom(primary)
    const upstream = nodes.find(({name}) => name === upstreams[standby.name])
    if (upstream) await standby.follow(upstream)
    await standby.start()
  }
}

/** As root: one that the server's account can reach. TMPDIR may be a private one. */
async function temporaryFolder(account: OsAccount | null): Promise<string> {
  const usual = tmpdir()
  if (account === null) return usual
  const isReachable = ((await stat(usual)).mode & 0o001) !== 0
  if (isReachable) return usual
  await access('/tmp', constants.W_OK)
  return '/tmp'
}
