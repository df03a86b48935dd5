import {type ChildProcess, spawn} from 'node:child_process'
import {appendFileSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync} from 'node:fs'
import {chmod, mkdtemp, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {childEnv} from '../../src/demo/child-env.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {postgresAccount} from '../../src/demo/os-account.ts'
import {childrenOf, isAlive, signalAll} from '../../src/demo/processes.ts'
import {startReaper} from '../../src/demo/reaper.ts'
import {debian, until} from '../support/cluster.ts'
import {askOnce} from './ask-once.ts'

/** `monitor`, `host1` or `host2`. */
export type PgafName = 'monitor' | 'host1' | 'host2'

/**
 * pg_auto_failover on this machine: a monitor, and two nodes, each kept by its own pg_autoctl. The
 * monitor takes a node for lost after three seconds, and a lost primary for stopped two seconds later.
 */
export interface PgafCluster extends AsyncDisposable {
  readonly ports: Readonly<Record<PgafName, number>>
  /** A statement, as superuser. */
  sql(name: PgafName, text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Runs `pg_autoctl ...args`. */
  autoctl(...args: string[]): Promise<void>
  /** `kill -9` of pg_autoctl and of its server. */
  kill(name: PgafName): Promise<void>
  /** Starts the server alone, as an operator would who does not know of pg_autoctl. */
  startAlone(name: PgafName): Promise<void>
}

/** Debian's default for unix sockets, which pg_autoctl goes by. */
const sockets = '/var/run/postgresql'

const limits = [
  'pgautofailover.health_check_period = 500',
  'pgautofailover.health_check_timeout = 500',
  'pgautofailover.health_check_max_retries = 1',
  'pgautofailover.health_check_retry_delay = 500',
  'pgautofailover.node_considered_unhealthy_timeout = 3000',
  'pgautofailover.primary_demote_timeout = 2000',
  'pgautofailover.startup_grace_period = 1000',
]

export async function pgafCluster(): Promise<PgafCluster> {
  await using stack = new AsyncDisposableStack()
  const account = postgresAccount()
  const folder = await mkdtemp('/tmp/pgroute66-pgaf-')
  await chmod(folder, 0o755)
  if (account) chownSync(folder, account.uid, account.gid)
  const callOff = startReaper(folder)
  // Not held: pg_autoctl has its servers listen on every address.
  const {ports: free, ...reserved} = await freePorts(3)
  await reserved[Symbol.asyncDispose]()
  const [monitor = 0, host1 = 0, host2 = 0] = free
  const ports = {monitor, host1, host2}
  const keepers = new Map<PgafName, ChildProcess>()
  const env = {
    ...childEnv(),
    PATH: `${debian}:/usr/bin:/bin`,
    HOME: folder,
    TMPDIR: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
  }
  mkdirSync(env.XDG_RUNTIME_DIR)
  if (account) chownSync(env.XDG_RUNTIME_DIR, account.uid, account.gid)

  const begin = (name: string, command: string, args: readonly string[]) => {
    const log = openSync(join(folder, `${name}.log`), 'a')
    const child = spawn(command, args, {...account, cwd: folder, env, stdio: ['ignore', log, log]})
    closeSync(log)
    return child
  }
  const run = async (name: string, command: string, ...args: string[]) => {
    const child = begin(name, command, args)
    const code = await new Promise((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${logOf(name).slice(-1500)}`)
  }
  const logOf = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8')
  const dataOf = (name: PgafName) => join(folder, name)
  const serverOf = (name: PgafName) => {
    const file = join(dataOf(name), 'postmaster.pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null
  }
  const treeOf = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(treeOf)]
  const kill = async (name: PgafName) => {
    const keeper = keepers.get(name)?.pid
    const server = serverOf(name)
    const all = [keeper, server].flatMap((pid) => (pid ? treeOf(pid) : []))
    signalAll(all, 'SIGKILL')
    keepers.delete(name)
    await until(() => !all.some(isAlive))
  }
  stack.defer(async () => {
    for (const name of ['host1', 'host2', 'monitor'] as const) await kill(name)
    callOff()
    await rm(folder, {recursive: true, force: true, maxRetries: 5, retryDelay: 50})
  })
  const sql = (name: PgafName, text: string) => {
    const database = name === 'monitor' ? 'pg_auto_failover' : 'postgres'
    return askOnce({host: sockets, port: ports[name], user: 'postgres', database, ssl: false}, text)
  }

  const common = (name: PgafName) => ['--pgdata', dataOf(name), '--pgport', `${ports[name]}`, '--hostname', '127.0.0.1']
  // It stops, with its server, also when this process is killed.
  const keeper = (name: PgafName) => ['--pdeathsig', 'TERM', 'pg_autoctl', 'run', '--pgdata', dataOf(name)]
  const keep = (name: PgafName) => keepers.set(name, begin(name, 'setpriv', keeper(name)))
  await run('monitor', 'pg_autoctl', 'create', 'monitor', ...common('monitor'), '--auth', 'trust', '--no-ssl')
  appendFileSync(join(dataOf('monitor'), 'postgresql.conf'), `${limits.join('\n')}\n`)
  keep('monitor')
  const uri = `postgres://autoctl_node@127.0.0.1:${ports.monitor}/pg_auto_failover?sslmode=disable`
  await until(() =>
    sql('monitor', 'select 1').then(
      () => true,
      () => false,
    ),
  )
  for (const name of ['host1', 'host2'] as const) {
    const own = ['--name', name, '--auth', 'trust', '--no-ssl', '--monitor', uri]
    await run(name, 'pg_autoctl', 'create', 'postgres', ...common(name), ...own)
    keep(name)
  }
  const kept = stack.move()
  return {
    ports,
    sql,
    kill,
    autoctl: (...args) => run('autoctl', 'pg_autoctl', ...args, '--pgdata', dataOf('monitor')),
    async startAlone(name) {
      rmSync(join(dataOf(name), 'postmaster.pid'), {force: true})
      begin(name, join(debian, 'postgres'), ['-D', dataOf(name), '-p', `${ports[name]}`])
      await until(() =>
        sql(name, 'select 1').then(
          () => true,
          () => false,
        ),
      )
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
