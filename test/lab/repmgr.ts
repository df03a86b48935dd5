import {type ChildProcess, spawn} from 'node:child_process'
import {closeSync, existsSync, openSync, readFileSync, statSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {childEnv} from '../../src/demo/child-env.ts'
import type {PgNode} from '../../src/demo/node.ts'
import {runProgram} from '../../src/demo/program.ts'
import {type Cluster, debian, startTestCluster, until} from '../support/cluster.ts'
import type {Network} from './network.ts'

/** The witness of a repmgr cluster: a server of its own, and in a network a machine of its own. */
export const witnessName = 'witness'

type Options = Readonly<{
  nodes?: number
  /** Each server is the machine of its name there; default: all are on this one. */
  net?: Network
  /** repmgr's location of a node; the default is repmgr's own. */
  location?: (name: string) => string
}>

/**
 * A repmgr cluster: host1 is the primary of host1 to host3, each is registered by repmgr and watched by
 * its own repmgrd, which fails over after three seconds. Beside them a witness.
 */
export interface RepmgrCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly witness: PgNode
  /** Runs `repmgr -f CONF ...args` for a node. */
  repmgr(node: PgNode, ...args: string[]): Promise<void>
  /** Registers a standby of `upstream` anew. */
  registerStandby(standby: PgNode, upstream: PgNode): Promise<void>
  /** Registers the witness anew, of `primary`. */
  registerWitness(primary: PgNode): Promise<void>
  /** Starts the repmgrd of a node. Resolves when it monitors: only then does it miss a primary. */
  startDaemon(node: PgNode): Promise<void>
  stopDaemons(): Promise<void>
  /** A node's own table: `host1=primary+`. */
  table(node: PgNode): Promise<string>
  /** A statement in the database of repmgr. */
  sql(node: PgNode, text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const monitors =
  /monitoring connection to upstream node|monitoring cluster primary|witness monitoring connection to primary/
const preload = "shared_preload_libraries = 'repmgr'"

export async function repmgrCluster(options: Options = {}): Promise<RepmgrCluster> {
  await using stack = new AsyncDisposableStack()
  const {cluster, witness} = await servers(options, stack)
  const [primary, ...standbys] = cluster.nodes
  if (primary === undefined) throw new Error('a cluster has at least one node')
  const daemons = new Map<PgNode, ChildProcess>()
  const stopDaemons = async () => {
    for (const child of daemons.values()) child.kill('SIGKILL')
    await until(() => [...daemons.values()].every(({exitCode, signalCode}) => exitCode !== null || signalCode !== null))
    daemons.clear()
  }
  stack.defer(stopDaemons)
  const confOf = new Map<PgNode, string>()
  for (const [index, node] of [...cluster.nodes, witness].entries()) {
    const name = node === witness ? witnessName : node.name
    confOf.set(node, await configure(node, {id: index + 1, name, location: options.location?.(name)}))
  }
  const repmgr = (node: PgNode, ...args: string[]) => {
    const {folder} = node.settings
    const command = ['/usr/bin/env', `TMPDIR=${folder}`, join(debian, 'repmgr'), '-f', confOf.get(node) ?? '', ...args]
    const {program, words, owner} = onItsMachine(node, command)
    return runProgram(program, words, owner, folder)
  }
  const registerStandby = async (standby: PgNode, upstream: PgNode) => {
    const id = `--upstream-node-id=${cluster.nodes.indexOf(upstream) + 1}`
    // It is created on the primary, and replayed a little later.
    const hasTable = () => askRepmgr(standby, 'select from repmgr.nodes').then(Boolean, () => false)
    await until(hasTable)
    await repmgr(standby, 'standby', 'register', '--force', id, '--wait-sync=30')
  }
  const registerWitness = ({settings: {place}, port}: PgNode) => {
    const at = ['-h', place.address, '-p', `${port}`, '-d', 'repmgr', '-U', 'postgres']
    return repmgr(witness, 'witness', 'register', '--force', ...at)
  }
  const startDaemon = async (node: PgNode) => {
    const path = `${node.data}.repmgrd.log`
    const before = existsSync(path) ? statSync(path).size : 0
    daemons.set(node, daemonOf(node, confOf.get(node) ?? '', path))
    await until(() => monitors.test(readFileSync(path, 'utf8').slice(before)))
  }

  for (const node of [primary, witness]) await node.sql('create database repmgr')
  await repmgr(primary, 'primary', 'register')
  for (const standby of standbys) await registerStandby(standby, primary)
  await registerWitness(primary)
  await Promise.all([...confOf.keys()].map(startDaemon))
  const kept = stack.move()
  return {
    cluster,
    witness,
    repmgr,
    registerStandby,
    registerWitness,
    startDaemon,
    stopDaemons,
    sql: askRepmgr,
    async table(node) {
      const rows = await askRepmgr(node, 'select node_name, type, active from repmgr.nodes order by node_id')
      return rows.map(({node_name, type, active}) => `${node_name}=${type}${active ? '+' : '-'}`).join(' ')
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** The data nodes, and the witness, which is a cluster of its own. */
async function servers({nodes = 3, net}: Options, stack: AsyncDisposableStack) {
  const common = {server: 'debian', conf: [preload]} as const
  const inNetwork = net && {port: 5432, hba: ['host all pgroute66 samenet trust']}
  const [cluster, other] = await Promise.all([
    startTestCluster({...common, nodes, ...inNetwork, ...(net && {place: (name) => net.node(name)})}),
    startTestCluster({...common, nodes: 1, ...inNetwork, ...(net && {place: () => net.node(witnessName)})}),
  ])
  stack.use(cluster)
  stack.use(other)
  const [witness] = other.nodes
  if (witness === undefined) throw new Error('a cluster has at least one node')
  return {cluster, witness}
}

/** How a command is started on the machine of a node, by the account of its server. */
function onItsMachine({settings: {account, place}}: PgNode, command: readonly string[]) {
  // Only root enters a namespace, so the account is taken inside.
  const asAccount = account && ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  const isHere = place.within.length === 0
  const [program = '', ...words] = isHere ? command : [...place.within, ...(asAccount ?? []), ...command]
  return {program, words, owner: isHere ? account : null}
}

type Conf = Readonly<{id: number; name: string; location: string | undefined}>

async function configure(node: PgNode, {id, name, location}: Conf): Promise<string> {
  const {folder, port, place} = node.settings
  const path = join(folder, `${node.name}.repmgr.conf`)
  const own = (command: string) => `'${join(debian, 'repmgr')} -f ${path} ${command}'`
  const lines = [
    `node_id=${id}`,
    `node_name='${name}'`,
    `conninfo='host=${place.address} port=${port} user=postgres dbname=repmgr connect_timeout=2'`,
    `data_directory='${node.data}'`,
    `pg_bindir='${debian}'`,
    `failover=automatic`,
    `promote_command=${own('standby promote')}`,
    `follow_command=${own('standby follow --upstream-node-id=%n')}`,
    'monitor_interval_secs=1',
    'reconnect_attempts=3',
    'reconnect_interval=1',
    'promote_check_timeout=30',
    // An automatic failover promotes host2 or host3. By the LSN it would promote host4, too, also where that
    // is in another location than the primary (seen with 5.3.3).
    `priority=${name === 'host1' || name === 'host4' ? 0 : 100}`,
    // As in the recordings: the witness copies the table seldom.
    'witness_sync_interval=15',
    ...(location === undefined ? [] : [`location='${location}'`]),
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

function daemonOf(node: PgNode, conf: string, logPath: string): ChildProcess {
  const {folder} = node.settings
  const log = openSync(logPath, 'a')
  const repmgrd = [join(debian, 'repmgrd'), '-f', conf, '--daemonize=false', '--no-pid-file', '--verbose']
  const {program, words, owner} = onItsMachine(node, repmgrd)
  try {
    // It runs repmgr, which writes temporary files; those of the tests' own folder are root's.
    const env = {...childEnv(), TMPDIR: folder}
    return spawn(program, words, {...owner, cwd: folder, env, stdio: ['ignore', log, log]})
  } finally {
    closeSync(log)
  }
}

async function askRepmgr(node: PgNode, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using client = await node.connect('repmgr')
  return (await client.query(text)).rows
}
