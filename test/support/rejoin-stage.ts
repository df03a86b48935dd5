import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {onTestFinished} from 'vitest'
import {postgresAccount} from '../../src/demo/os-account.ts'
import {readPostmasterFile} from '../../src/demo/postmaster-file.ts'
import {isAlive, signalAll} from '../../src/demo/processes.ts'
import {
  type Cluster,
  debian,
  followersOf,
  type PgNode,
  startTestCluster,
  type TestClusterOptions,
  until,
} from './cluster.ts'
import {type Ran, runJs, watched} from './run.ts'

/** A cluster whose stray primaries `pgroute66 rejoin` brings back; rejoin starts servers by pg_ctl. */
export type RejoinStage = Readonly<{cluster: Cluster; host1: PgNode; host2: PgNode; host3: PgNode}> & AsyncDisposable

export async function startRejoinStage(options: TestClusterOptions = {}): Promise<RejoinStage> {
  const cluster = await startTestCluster({server: 'debian', ...options})
  quickPrograms(cluster)
  const [host1, host2, host3] = cluster.nodes as [PgNode, PgNode, PgNode]
  return {
    cluster,
    host1,
    host2,
    host3,
    async [Symbol.asyncDispose]() {
      for (const node of cluster.nodes) await crash(node)
      await cluster[Symbol.asyncDispose]()
    },
  }
}

/** The commits in the WAL of an archive, from the begin of its first segment. */
export function walOf(archive: string): Readonly<{commits: number}> {
  const fork = /ended at (0\/[0-9A-F]+)/.exec(textOf(join(archive, 'plan.txt')))?.[1] ?? ''
  const script = `${debian}/pg_waldump -p ${archive}/wal -t 1 -s ${fork} --rmgr=Transaction 2>/dev/null || true`
  const text = execFileSync('/bin/sh', ['-c', script], {encoding: 'utf8'})
  return {commits: text.match(/desc: COMMIT/g)?.length ?? 0}
}

/** Can an operator, or a unit, start the server as it lies there? It is stopped again. */
export function startsAlone({data, settings: {account}}: PgNode): boolean {
  const ctl = (...args: string[]) =>
    spawnSync(join(debian, 'pg_ctl'), ['-D', data, '-w', '-t', '120', ...args], {...account, cwd: '/', stdio: 'ignore'})
  const {status} = ctl('start')
  if (status === 0) ctl('stop', '-m', 'immediate')
  return status === 0
}

const quick = (path: string, script: string) => writeFileSync(path, `#!/bin/sh\n${script}\n`, {mode: 0o755})

/** PostgreSQL's programs; those that would wait for the disk for seconds do not. */
export function quickPrograms({folder, nodes}: Cluster): void {
  // Half-way through pg_rewind its parent, which is rejoin, is killed, and pg_rewind with it.
  const killing = 'case "$*" in *--dry-run*) ;; *) kill -9 $PPID; exit 9;; esac'
  // While rejoin still changes nothing, the third host leaves the other primary.
  const psql = `${join(debian, 'psql')} -XAt -h 127.0.0.1 -p ${nodes[2]?.port} -U postgres`
  const leaving = [
    'case "$*" in *--dry-run*)',
    `${psql} -c "alter system set primary_conninfo = ''" -c 'select pg_reload_conf()' >/dev/null`,
    `until [ -z "$(${psql} -c 'select 1 from pg_stat_wal_receiver')" ]; do sleep 0.1; done`,
    ';; esac',
  ].join('\n')
  for (const [name, first] of [
    ['bin', ''],
    ['left-in-dry-run', leaving],
    ['killed-in-rewind', killing],
  ] as const) {
    const bin = join(folder, name)
    mkdirSync(bin)
    for (const each of ['psql', 'postgres', 'pg_controldata', 'pg_waldump', 'pg_ctl'])
      symlinkSync(join(debian, each), join(bin, each))
    for (const each of ['pg_rewind', 'pg_basebackup'])
      quick(join(bin, each), `${first}\nexec ${join(debian, each)} --no-sync "$@"`)
  }
}

export async function rejoinStage(options: TestClusterOptions = {}): Promise<RejoinStage> {
  const stage = await startRejoinStage(options)
  onTestFinished(() => stage[Symbol.asyncDispose]())
  return stage
}

/** `kill -9` of the server, whoever started it. Resolves when no process of it is left. */
export async function crash(node: PgNode): Promise<void> {
  await node.kill()
  const pid = readPostmasterFile(node.data)?.pid
  const all = [...new Set([...(pid === undefined ? [] : [pid]), ...workersIn(node.data)])]
  if (pid !== undefined && isAlive(pid) && workersIn(node.data).includes(pid)) signalAll([pid], 'SIGKILL')
  await until(() => workersIn(node.data).length === 0, 2_000).catch(() => signalAll(workersIn(node.data), 'SIGKILL'))
  await until(() => !all.some((one) => isAlive(one) && workersIn(node.data).includes(one)))
}

/** Its number is free: PostgreSQL refuses to start beside a process that has ended and was not reaped. */
export async function reaped(node: PgNode): Promise<void> {
  const pid = readPostmasterFile(node.data)?.pid
  if (pid !== undefined) await until(() => !existsSync(`/proc/${pid}`))
}

/** The processes that work in a folder, as PostgreSQL's do in their data directory. */
export function workersIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Streams from `source`, or from no host, from now on. */
export async function follow(node: PgNode, source: PgNode | null): Promise<void> {
  const conninfo = source && `host=127.0.0.1 port=${source.port} user=postgres application_name=${node.name}`
  await node.sql(`alter system set primary_conninfo = '${conninfo ?? ''}'`)
  await node.sql("alter system set primary_slot_name = ''")
  await node.sql('select pg_reload_conf()')
  if (source === null) await until(async () => (await node.sql('select 1 from pg_stat_wal_receiver')).length === 0)
}

/**
 * Promotes `next`, and `third` follows it: what an HA tool does. First `third` stops to receive what a
 * living old primary writes past the fork.
 */
export async function promote(next: PgNode, third: PgNode): Promise<void> {
  await follow(third, null)
  await next.sql('select pg_promote(true, 60)')
  await follow(third, next)
  await until(async () => (await followersOf(next)).includes(third.name))
}

export type KillAt = Readonly<{call: string; nth: number}>

export type RejoinOptions = Readonly<{
  /** Further lines of the configuration, and further keys of its section `rejoin`. */
  more?: readonly string[]
  rejoin?: string
  args?: readonly string[]
  /** Instead of those of the node. */
  pgdata?: string
  archive?: string
  ports?: Readonly<Record<string, number>>
  probe?: string
  /** Another folder of programs beside `bin`. */
  bin?: string
  /** Instead of pg_ctl: keys `config_file`, `start`, `stop` and `status`. */
  commands?: string
  /** `kill -9` of the command when it begins this system call for the nth time. */
  killAt?: KillAt
}>

const login = 'user: pgroute66, dbname: postgres, sslmode: disable'

/** The configuration for the machine of `node`. */
export function configFor(stage: RejoinStage, node: PgNode, options: RejoinOptions = {}): string {
  const {
    more = [],
    rejoin = '',
    pgdata = node.data,
    archive = join(stage.cluster.folder, 'diverged'),
    ports = {},
    bin = 'bin',
    probe = '{max_age: 20s, interval: 200ms}',
  } = options
  const {folder, nodes} = stage.cluster
  const path = join(folder, `${node.name}.yml`)
  const hosts = nodes.map(({name, port}) => `  ${name}: {host: 127.0.0.1, port: "${ports[name] ?? port}", ${login}}`)
  const ctl = `${join(debian, 'pg_ctl')}, -D, ${pgdata}`
  const commands = options.commands ?? `start: [${ctl}, -l, ${node.data}.rejoined.log, -w, -t, 60, start]`
  const lines = [
    ...['hosts:', ...hosts, `local: ${node.name}`, 'confirm: [followers]', `probe: ${probe}`],
    `rejoin: {pgdata: ${pgdata}, bin: ${join(folder, bin)}, archive: ${archive}, ` +
      `${[commands, ...(rejoin === '' ? [] : [rejoin])].join(', ')}}`,
    ...more,
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** Runs `pgroute66 rejoin` as the owner of the data directory. */
export function rejoin(stage: RejoinStage, node: PgNode, options: RejoinOptions = {}): Promise<Ran> {
  const words = [runJs, 'rejoin', '-c', configFor(stage, node, options), ...(options.args ?? [])]
  return asOwner(node, words, options.killAt === undefined ? [] : killing(options.killAt))
}

/** All threads of the command, and none of the programs that it runs. */
const killing = ({call, nth}: KillAt) => [
  ...['/usr/bin/strace', '-f', '-b', 'execve', '-qq', '-o', '/dev/null', '-e', `trace=${call}`],
  ...['-e', `inject=${call}:signal=KILL:when=${nth}`],
]

/** The same, killed when a step begins or is done. */
export function killedRejoin(
  stage: RejoinStage,
  node: PgNode,
  at: Readonly<{step: string; when: 'begins' | 'is done'}>,
  options: RejoinOptions = {},
): Promise<Ran> {
  const program = fileURLToPath(new URL('rejoin-killed.ts', import.meta.url))
  return asOwner(node, [program, at.step, at.when, configFor(stage, node, options), ...(options.args ?? [])])
}

/** `before`: words in front of node's, such as strace's. */
export function asOwner(node: PgNode, words: readonly string[], before: readonly string[] = []): Promise<Ran> {
  const {account, folder} = node.settings
  const [command = '', ...args] = [...before, process.execPath, ...words]
  const child = spawn(command, args, {
    ...(account ?? postgresAccount() ?? {}),
    cwd: '/',
    // One thread for files, so that system calls can be counted.
    env: {PATH: '/usr/bin:/bin', HOME: folder, UV_THREADPOOL_SIZE: '1'},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return watched(child, 170_000).ended
}

/** What lies in a folder: names, sizes and contents. Two that are equal were not touched. */
export function checksum(folder: string): string {
  if (!existsSync(folder)) return 'none'
  const script =
    'find . -type f -print0 | sort -z | xargs -0 sha256sum; find . ! -type f -printf "%p %y %l %m\\n" | sort'
  return execFileSync('/bin/sh', ['-c', `(${script}) | sha256sum`], {cwd: folder, encoding: 'utf8'})
}

/** The folders of the archive, oldest first. */
export const archives = ({cluster: {folder}}: RejoinStage): readonly string[] => {
  const path = join(folder, 'diverged')
  return existsSync(path)
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : []
}

export const textOf = (path: string): string => readFileSync(path, 'utf8')
