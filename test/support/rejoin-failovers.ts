import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {setTimeout as wait} from 'node:timers/promises'
import pg from 'pg'
import {debian, followersOf, type PgNode, until} from './cluster.ts'
import {archives, crash, follow, type RejoinStage, reaped, rejoin, type startRejoinStage} from './rejoin-stage.ts'

/** How the old primary ends: `alive`: it does not, and goes on taking writes that no standby confirms. */
export type FailoverKind = 'crash' | 'stop' | 'alive' | 'reboot'
export const failoverKinds: readonly FailoverKind[] = ['crash', 'stop', 'alive', 'reboot']

/** What the clients know: keys that a server has acknowledged. */
export type Book = Readonly<{acked: Set<string>}>

export type FailedOver = Readonly<{
  kind: FailoverKind
  exit: number | null
  rejoinMs: number
  /** Commits of the old primary past the fork; with synchronous replication none was acknowledged. */
  discarded: number
  output: string
}>

/** Before the first failover: each node waits for one of the others, whoever is primary. */
export async function makeSynchronous({cluster}: Awaited<ReturnType<typeof startRejoinStage>>): Promise<void> {
  const [host1] = cluster.nodes
  await host1?.sql('create table written (key text primary key)')
  for (const node of cluster.nodes) {
    await node.sql("alter system set synchronous_standby_names = 'ANY 1 (host1, host2, host3)'")
    await node.sql('select pg_reload_conf()')
  }
}

/** A client that writes one row after the other where `primary` leads, and keeps its own book. */
export class BookedWriter implements AsyncDisposable {
  readonly #book: Book
  readonly #name: string
  readonly #primary: () => PgNode
  readonly #ended: Promise<void>
  #isOver = false
  #client: pg.Client | null = null

  constructor(name: string, book: Book, primary: () => PgNode) {
    this.#name = name
    this.#book = book
    this.#primary = primary
    this.#ended = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#client?.connection.stream.destroy()
    await this.#ended
  }

  /** A write that hangs on the old primary is given up: its answer never comes. */
  leave(): void {
    this.#client?.connection.stream.destroy()
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#isOver; ) {
      const node = this.#primary()
      const client = new pg.Client({host: '127.0.0.1', port: node.port, user: 'postgres', ssl: false})
      client.on('error', () => {})
      this.#client = client
      try {
        await client.connect()
        while (!this.#isOver && this.#primary() === node) {
          number += 1
          const key = `${this.#name} ${number}`
          const {rowCount} = await client.query('insert into written values ($1)', [key])
          if (rowCount === 1) this.#book.acked.add(key)
          await wait(5)
        }
      } catch {
        await wait(50)
      } finally {
        client.connection.stream.destroy()
      }
    }
  }
}

/**
 * Fails over from `old` in one way, and brings it back by `rejoin --auto`. Resolves when it streams, or
 * when rejoin did not succeed.
 */
export async function failOver(
  stage: RejoinStage,
  old: PgNode,
  {kind, moveTo, leave}: Readonly<{kind: FailoverKind; moveTo: (next: PgNode) => void; leave: () => void}>,
): Promise<FailedOver & Readonly<{next: PgNode}>> {
  const standbys = stage.cluster.nodes.filter((node) => node !== old)
  if (kind === 'crash' || kind === 'reboot') await crash(old)
  if (kind === 'stop') ctl(old, 'stop', '-m', 'fast')
  // What an HA tool does first: no standby acknowledges what the old primary still writes.
  if (kind === 'alive') for (const node of standbys) await follow(node, null)
  const [next, third] = await byProgress(standbys)
  await next.sql('select pg_promote(true, 60)')
  await follow(third, next)
  moveTo(next)
  await until(async () => (await followersOf(next)).includes(third.name))
  if (kind === 'reboot') {
    await reaped(old)
    ctl(old, 'start', '-l', `${old.data}.rejoined.log`)
    await strayWrite(old)
  }
  leave()
  const begun = performance.now()
  const keys = `slot: ${old.name}_slot, max_loss_commits: 1000`
  const ran = await rejoin(stage, old, {args: ['--auto', '--json'], rejoin: keys})
  const answer = ran.stdout === '' ? {} : JSON.parse(ran.stdout)
  if (ran.code === 0) await until(async () => (await followersOf(next)).includes(old.name))
  return {
    kind,
    next,
    exit: ran.code,
    rejoinMs: performance.now() - begun,
    discarded: answer.loss?.commits ?? 0,
    output: ran.stdout + ran.stderr,
  }
}

/** A commit on the stray primary that waits for a standby for ever: it is in WAL, and no client hears of it. */
async function strayWrite(node: PgNode): Promise<void> {
  const client = await node.connect()
  void client.query("insert into written values ('stray ' || clock_timestamp())").catch(() => {})
  await until(async () => (await node.sql("select 1 from pg_stat_activity where wait_event = 'SyncRep'")).length > 0)
  client.connection.stream.destroy()
}

async function byProgress(standbys: readonly PgNode[]): Promise<readonly [PgNode, PgNode]> {
  const ranked = await Promise.all(
    standbys.map(async (node) => {
      // What was received has to be replayed before a promotion keeps it.
      const [row] = await node.sql("select pg_last_wal_receive_lsn() - '0/0' as lsn")
      return {node, lsn: BigInt(row?.lsn ?? 0)}
    }),
  )
  return ranked.sort((a, b) => (a.lsn < b.lsn ? 1 : -1)).map(({node}) => node) as unknown as [PgNode, PgNode]
}

function ctl({name, data, log, settings: {account}}: PgNode, ...args: string[]): void {
  const options = {...account, cwd: '/', stdio: 'ignore'} as const
  const {status} = spawnSync(join(debian, 'pg_ctl'), ['-D', data, '-w', '-t', '60', ...args], options)
  if (status !== 0) throw new Error(`pg_ctl ${args[0]} of ${name} ended with ${status}: ${log.slice(-1000)}`)
}

/** Acknowledged writes that a node does not have. */
export async function missingOn(node: PgNode, {acked}: Book): Promise<readonly string[]> {
  const rows = await node.sql('select key from written')
  const there = new Set(rows.map(({key}) => key))
  return [...acked].filter((key) => !there.has(key))
}

export const archived = (stage: RejoinStage): number => archives(stage).length
