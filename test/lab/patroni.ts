import {chmod, chown, mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {dump} from 'js-yaml'
import {type OsAccount, postgresAccount} from '../../src/demo/os-account.ts'
import {readPostmasterFile} from '../../src/demo/postmaster-file.ts'
import {childrenOf, signalAll} from '../../src/demo/processes.ts'
import {startReaper} from '../../src/demo/reaper.ts'
import {until} from '../../src/demo/wait-until.ts'
import {lacks} from '../support/parts.ts'
import {askOnce} from './ask-once.ts'
import {Program} from './program.ts'

export const lacksPatroni: boolean = lacks('Patroni') || lacks('etcd') || lacks('PostgreSQL 15')

/**
 * Debian's Patroni, or another one that `PATRONI` names for a run by hand:
 * `PATRONI='/usr/bin/python3 /srv/patroni-4.1.4/patroni.py'`.
 */
const program = process.env.PATRONI?.split(' ') ?? ['/usr/bin/patroni']

/** A member of a real Patroni cluster: its own loopback address, with the usual ports. */
export type PatroniNode = Readonly<{
  name: string
  address: string
  /** Of its REST API. */
  url: string
  /** As superuser, over the unix socket, on a connection of its own. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>
  /** `kill -9` of the postmaster: Patroni restarts it in place. */
  killPostmaster(): void
  /** SIGSTOP of every process of PostgreSQL; Patroni goes on. `thaw` lets them go on. */
  freeze(): void
  thaw(): void
  readonly isFrozen: boolean
  /** `kill -9` of Patroni and of its PostgreSQL. */
  kill(): Promise<void>
  start(): void
  log(): string
}>

export type PatroniCluster = AsyncDisposable &
  Readonly<{
    scope: string
    nodes: readonly PatroniNode[]
    etcd: Readonly<{url: string; stop(): Promise<void>; start(): Promise<void>; freeze(): void; thaw(): void}>
    /** The member whose `GET /primary` is 200 and whose PostgreSQL is a primary. */
    leader(): Promise<PatroniNode>
    standbys(): Promise<readonly PatroniNode[]>
    /** Every other member streams from the leader. */
    isStreaming(): Promise<boolean>
    /** Changes the dynamic configuration, and waits until every member has read it. */
    configure(patch: object): Promise<void>
  }>

export type PatroniOptions = Readonly<{nodes?: number; config?: object}>

/** Seconds. The least that Patroni takes: tests wait for the ttl. */
export const pace = {ttl: 20, loop_wait: 1, retry_timeout: 3} as const

/**
 * Starts etcd and a Patroni cluster of Debian's packages, and waits until every standby streams. Ends
 * with `Symbol.asyncDispose`, or with this process. `config`: of the dynamic configuration.
 */
export async function startPatroni({nodes: count = 3, config = {}}: PatroniOptions = {}): Promise<PatroniCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-patroni-'))
  await chmod(folder, 0o755)
  const account = postgresAccount()
  const net = await freeNet()
  const stopReaper = startReaper(folder)
  const etcd = new Program(folder, 'etcd', etcdCommand(folder, net), null)
  const names = Array.from({length: count}, (_, index) => `node${index + 1}`)
  const members = await Promise.all(names.map((name, index) => member({folder, account, net, config}, name, index)))
  const cluster: PatroniCluster = {
    scope: 'pg',
    nodes: members,
    etcd: {
      url: `http://${net}.10:2379`,
      stop: () => etcd.kill(),
      async start() {
        etcd.start()
        await until(() => isUp(`http://${net}.10:2379/health`))
      },
      freeze: () => etcd.signal('SIGSTOP'),
      thaw: () => etcd.signal('SIGCONT'),
    },
    leader: () => leaderOf(members),
    async standbys() {
      const leader = await leaderOf(members)
      return members.filter((node) => node !== leader)
    },
    isStreaming: () => isStreaming(members),
    configure: (patch) => configure(members, patch),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((node) => node.kill()))
      await etcd.kill()
      stopReaper()
      await rm(folder, {recursive: true, force: true})
    },
  }
  try {
    await cluster.etcd.start()
    for (const node of members) node.start()
    await until(() => isStreaming(members), 180_000)
  } catch (error) {
    const logs = members.map((node) => `${node.name}:\n${node.log().slice(-2_000)}`).join('\n')
    await cluster[Symbol.asyncDispose]()
    throw new Error(`Patroni did not start\n${logs}`, {cause: error})
  }
  return cluster
}

type Site = Readonly<{folder: string; account: OsAccount | null; net: string; config: object}>

async function member({folder, account, net, config}: Site, name: string, index: number): Promise<PatroniNode> {
  const [address, data, run] = [`${net}.${index + 1}`, join(folder, name), join(folder, `${name}-run`)]
  const own = async (path: string) => void (account && (await chown(path, account.uid, account.gid)))
  for (const path of [data, run]) {
    await mkdir(path, {mode: 0o700})
    await own(path)
  }
  const file = join(folder, `${name}.yml`)
  await writeFile(file, dump(patroniYaml({name, address, data, run, net, config})))
  const patroni = new Program(folder, name, [...program, file], account)
  const postmaster = () => readPostmasterFile(data)?.pid ?? null
  const family = () => {
    const pid = postmaster()
    return pid === null ? [] : [pid, ...childrenOf(pid)]
  }
  let isFrozen = false
  return {
    name,
    address,
    url: `http://${address}:8008`,
    sql: (text) => askOnce({host: run, user: 'postgres', database: 'postgres', connectionTimeoutMillis: 5_000}, text),
    killPostmaster: () => signalAll([postmaster() ?? -1], 'SIGKILL'),
    freeze() {
      isFrozen = true
      signalAll(family(), 'SIGSTOP')
    },
    thaw() {
      isFrozen = false
      signalAll(family(), 'SIGCONT')
    },
    get isFrozen() {
      return isFrozen
    },
    async kill() {
      await patroni.kill()
      signalAll(family(), 'SIGKILL')
    },
    start: () => patroni.start(),
    log: () => patroni.output,
  }
}

type Member = Readonly<{name: string; address: string; data: string; run: string; net: string; config: object}>

function patroniYaml({name, address, data, run, net, config}: Member): object {
  // Connections to any loopback address come from 127.0.0.1.
  const local = '127.0.0.0/8'
  return {
    scope: 'pg',
    name,
    restapi: {listen: `${address}:8008`, connect_address: `${address}:8008`},
    etcd3: {host: `${net}.10:2379`},
    bootstrap: {
      dcs: {...pace, maximum_lag_on_failover: 1 << 20, postgresql: {use_pg_rewind: true}, ...config},
      initdb: [{encoding: 'UTF8'}, 'data-checksums'],
      pg_hba: ['local all all trust', ...['all', 'replication'].map((db) => `host ${db} all ${local} trust`)],
    },
    postgresql: {
      listen: `${address}:5432`,
      connect_address: `${address}:5432`,
      data_dir: data,
      bin_dir: '/usr/lib/postgresql/15/bin',
      pgpass: join(run, 'pgpass'),
      authentication: {
        superuser: {username: 'postgres', password: 'p'},
        replication: {username: 'replicator', password: 'p'},
      },
      parameters: {
        unix_socket_directories: run,
        fsync: 'off',
        shared_buffers: '16MB',
        max_connections: 40,
        wal_log_hints: 'on',
      },
      // Also after a clone, which copies the file of the leader.
      pg_hba: ['local all all trust', ...['all', 'replication'].map((db) => `host ${db} all ${local} trust`)],
    },
  }
}

function etcdCommand(folder: string, net: string): readonly string[] {
  const [client, peer] = [`http://${net}.10:2379`, `http://${net}.10:2380`]
  const options = {
    name: 'etcd',
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `etcd=${peer}`,
  }
  return [
    '/usr/bin/etcd',
    '--unsafe-no-fsync',
    ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]),
  ]
}

/** The first three numbers of loopback addresses on which no test of this machine listens. */
async function freeNet(): Promise<string> {
  for (;;) {
    const net = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(2379, `${net}.10`, () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (isFree) return net
  }
}

const isUp = (url: string) =>
  fetch(url, {signal: AbortSignal.timeout(2_000)}).then(
    ({ok}) => ok,
    () => false,
  )

async function leaderOf(nodes: readonly PatroniNode[]): Promise<PatroniNode> {
  const found: PatroniNode[] = []
  await until(async () => {
    for (const node of nodes) {
      // A member that hangs keeps a thread for each request, and does not answer.
      if (node.isFrozen || !(await isUp(`${node.url}/primary`))) continue
      const [row] = await node.sql('select pg_is_in_recovery() as standby').catch(() => [])
      if (row?.standby === false) found.push(node)
    }
    return found.length > 0
  })
  return found[0] as PatroniNode
}

async function isStreaming(nodes: readonly PatroniNode[]): Promise<boolean> {
  for (const node of nodes) {
    if (!(await isUp(`${node.url}/primary`))) continue
    const streams = "select from pg_stat_replication where state = 'streaming' and application_name like 'node%'"
    const rows = await node.sql(streams).catch(() => [])
    if (rows.length === nodes.length - 1) return true
  }
  return false
}

async function configure(nodes: readonly PatroniNode[], patch: object): Promise<void> {
  const [first] = nodes
  const response = await fetch(`${first?.url}/config`, {method: 'PATCH', body: JSON.stringify(patch)})
  if (!response.ok) throw new Error(`PATCH /config: ${response.status} ${await response.text()}`)
  const wanted = JSON.stringify(await response.json())
  const has = async ({url}: PatroniNode) => JSON.stringify(await (await fetch(`${url}/config`)).json()) === wanted
  await until(async () => (await Promise.all(nodes.map(has))).every(Boolean))
}
