import {type ChildProcess, spawn} from 'node:child_process'
import {closeSync, existsSync, openSync, readFileSync, statSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {childEnv} from '../../src/demo/child-env.ts'
import type {PgNode} from '../../src/demo/node.ts'
import {runProgram} from '../../src/demo/program.ts'
import {type Cluster, debian, startTestCluster, until} from '../support/cluster.ts'

/** The witness of a repmgr cluster: a server of its own. */
const witnessName = 'witness'

/**
 * A repmgr cluster on this machine: host1 is the primary of host1 to host3, each is registered by
 * repmgr and watched by its own repmgrd, which fails over after three seconds. Beside them a witness.
 */
export interface RepmgrCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly witness: PgNode
  /** Runs `repmgr -f CONF ...args` for a node. */
  repmgr(node: PgNode, ...args: string[]): Promise<void>
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

export async function repmgrCluster(): Promise<RepmgrCluster> {
  await using stack = new AsyncDisposableStack()
  const conf = [preload]
  const [cluster, other] = await Promise.all([
    startTestCluster({server: 'debian', conf}),
    startTestCluster({server: 'debian', conf, nodes: 1}),
  ])
  stack.use(cluster)
  stack.use(other)
  const [witness] = other.nodes
  const [primary, ...standbys] = cluster.nodes
  if (witness === undefined || primary === undefined) throw new Error('a cluster has at least one node')
  const daemons = new Map<PgNode, ChildProcess>()
  const stopDaemons = async () => {
    for (const child of daemons.values()) child.kill('SIGKILL')
    await until(() => [...daemons.values()].every(({exitCode, signalCode}) => exitCode !== null || signalCode !== null))
    daemons.clear()
  }
  stack.defer(stopDaemons)
  const confOf = new Map<PgNode, string>()
  for (const [index, node] of [...cluster.nodes, witness].entries())
    confOf.set(node, await configure(node, index + 1, node === witness ? witnessName : node.name))
  const repmgr = (node: PgNode, ...args: string[]) => {
    const {account, folder} = node.settings
    const command = [`TMPDIR=${folder}`, join(debian, 'repmgr'), '-f', confOf.get(node) ?? '', ...args]
    return runProgram('/usr/bin/env', command, account, folder)
  }
  const startDaemon = async (node: PgNode) => {
    const path = `${node.data}.repmgrd.log`
    const before = existsSync(path) ? statSync(path).size : 0
    daemons.set(node, daemonOf(node, confOf.get(node) ?? '', path))
    await until(() => monitors.test(readFileSync(path, 'utf8').slice(before)))
  }

  for (const node of [primary, witness]) await node.sql('create database repmgr')
  await repmgr(primary, 'primary', 'register')
  for (const standby of standbys) await repmgr(standby, 'standby', 'register', '--force', '--wait-sync=30')
  await repmgr(
    witness,
    'witness',
    'register',
    '-h',
    '127.0.0.1',
    '-p',
    `${primary.port}`,
    '-d',
    'repmgr',
    '-U',
    'postgres',
  )
  await Promise.all([...confOf.keys()].map(startDaemon))
  const kept = stack.move()
  return {
    cluster,
    witness,
    repmgr,
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

async function configure(node: PgNode, id: number, name: string): Promise<string> {
  const {folder, port} = node.settings
  const path = join(folder, `${node.name}.repmgr.conf`)
  const own = (command: string) => `'${join(debian, 'repmgr')} -f ${path} ${command}'`
  const lines = [
    `node_id=${id}`,
    `node_name='${name}'`,
    `conninfo='host=127.0.0.1 port=${port} user=postgres dbname=repmgr connect_timeout=2'`,
    `data_directory='${node.data}'`,
    `pg_bindir='${debian}'`,
    `failover=automatic`,
    `promote_command=${own('standby promote')}`,
    `follow_command=${own('standby follow --upstream-node-id=%n')}`,
    'monitor_interval_secs=1',
    'reconnect_attempts=3',
    'reconnect_interval=1',
    'promote_check_timeout=30',
    // After a switchover from host1, an automatic failover promotes host3.
    `priority=${id === 1 ? 0 : 100}`,
    // As in the recordings: the witness copies the table seldom.
    'witness_sync_interval=15',
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

function daemonOf(node: PgNode, conf: string, logPath: string): ChildProcess {
  const {account, folder} = node.settings
  const log = openSync(logPath, 'a')
  const args = ['-f', conf, '--daemonize=false', '--no-pid-file', '--verbose']
  try {
    // It runs repmgr, which writes temporary files; those of the tests' own folder are root's.
    const env = {...childEnv(), TMPDIR: folder}
    return spawn(join(debian, 'repmgrd'), args, {...account, cwd: folder, env, stdio: ['ignore', log, log]})
  } finally {
    closeSync(log)
  }
}

async function askRepmgr(node: PgNode, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using client = await node.connect('repmgr')
  return (await client.query(text)).rows
}
