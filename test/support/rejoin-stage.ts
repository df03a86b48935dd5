import {execFileSync, spawn} from 'node:child_process'
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

/** PostgreSQL's programs; those that would wait for the disk for seconds do not. */
function quickPrograms({folder}: Cluster): void {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const name of ['psql', 'postgres', 'pg_controldata', 'pg_waldump', 'pg_ctl'])
    symlinkSync(join(debian, name), join(bin, name))
  for (const name of ['pg_rewind', 'pg_basebackup'])
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${join(debian, name)} --no-sync "$@"\n`, {mode: 0o755})
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

/** Promotes `next`, and `third` follows it: what an HA tool does. */
export async function promote(next: PgNode, third: PgNode): Promise<void> {
  await next.promote()
  await third.follow(next)
  await until(async () => (await followersOf(next)).includes(third.name))
}

export type RejoinOptions = Readonly<{
  /** Further lines of the configuration, and further keys of its section `rejoin`. */
  more?: readonly string[]
  rejoin?: string
  args?: readonly string[]
  /** Instead of those of the node. */
  pgdata?: string
  ports?: Readonly<Record<string, number>>
  probe?: string
}>

const login = 'user: pgroute66, dbname: postgres, sslmode: disable'

/** The configuration for the machine of `node`. */
export function configFor(stage: RejoinStage, node: PgNode, options: RejoinOptions = {}): string {
  const {more = [], rejoin = '', pgdata = node.data, ports = {}, probe = '{max_age: 20s, interval: 200ms}'} = options
  const {folder, nodes} = stage.cluster
  const path = join(folder, `${node.name}.yml`)
  const hosts = nodes.map(({name, port}) => `  ${name}: {host: 127.0.0.1, port: "${ports[name] ?? port}", ${login}}`)
  const ctl = `${join(debian, 'pg_ctl')}, -D, ${pgdata}`
  const lines = [
    ...['hosts:', ...hosts, `local: ${node.name}`, 'confirm: [followers]', `probe: ${probe}`],
    `rejoin: {pgdata: ${pgdata}, bin: ${join(folder, 'bin')}, archive: ${join(folder, 'diverged')}, ` +
      `start: [${ctl}, -l, ${node.data}.rejoined.log, -w, -t, 60, start]${rejoin === '' ? '' : `, ${rejoin}`}}`,
    ...more,
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** Runs `pgroute66 rejoin` as the owner of the data directory. */
export function rejoin(stage: RejoinStage, node: PgNode, options: RejoinOptions = {}): Promise<Ran> {
  return asOwner(node, [runJs, 'rejoin', '-c', configFor(stage, node, options), ...(options.args ?? [])])
}

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
