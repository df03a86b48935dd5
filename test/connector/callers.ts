import {setTimeout as sleep} from 'node:timers/promises'
import {ConnectorError} from '../../src/connector/connector-error.ts'
import type {Database} from '../../src/connector/types.ts'
import type {Cluster, PgNode} from '../support/cluster.ts'

/** Without a unique key, so that a write that is done twice is seen. */
export const callersTable = 'create table callers (key int not null); grant all on callers to pgroute66'

/**
 * Every acknowledged commit is on a standby: what is missing after a failover was lost by the
 * connector, and not by asynchronous replication.
 */
export const onAStandby = 'ANY 1 (host1, host2, host3)'

/** The standby that has received most comes first: it is the one to promote. */
export async function byProgress(standbys: readonly PgNode[]): Promise<readonly [PgNode, PgNode]> {
  const received = await Promise.all(
    standbys.map(async (node) => {
      const [row] = await node.sql(
        "select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0') - '0/0' as bytes",
      )
      return {node, bytes: Number(row?.bytes)}
    }),
  )
  const [first, second] = received.toSorted((a, b) => b.bytes - a.bytes).map(({node}) => node)
  if (first === undefined || second === undefined) throw new Error('two standbys are needed')
  return [first, second]
}

/** A configuration of a monitor for these servers. */
export const configOf = (cluster: Cluster) => ({
  password_encoding: 'plain',
  probe: {interval: '300ms', timeout: '3s', max_age: '6s'},
  hosts: Object.fromEntries(
    cluster.nodes.map(({name, port}) => [
      name,
      {host: '127.0.0.1', port, user: 'pgroute66', password: 'pgroute66', dbname: 'postgres', sslmode: 'disable'},
    ]),
  ),
})

export type Report = Readonly<{
  reads: number
  /** Errors of reads. */
  lost: readonly Error[]
  /** Of the reads that were begun since the last lap. */
  slowestReadMs: number
  /** By host. */
  readsBy: ReadonlyMap<string, number>
  acknowledged: number
  unknown: number
  /** Errors of writes that say that nothing was done. */
  refused: readonly Error[]
}>

/**
 * `from`: their first key; callers that share a table have `spread` keys each. `pauseMs`: between two
 * statements of a caller.
 */
export type CallersOptions = Readonly<{readers: number; writers: number; from?: number; pauseMs?: number}>

/** What a caller was told of its key. */
const told = {acknowledged: 1, unknown: 2, refused: 3} as const
/** Keys of one `Callers`, at most. */
export const spread = 2 ** 23

export type Held = Readonly<{missing: number; twice: number; notDoneButThere: number; unknownAndDone: number}>

/** Callers that read and write without a pause, as an application under load, and keep account. */
export class Callers implements AsyncDisposable {
  readonly #db: Database
  readonly #ended: Promise<unknown>
  #isOver = false
  #reads = 0
  #slowest = 0
  readonly #lost: Error[] = []
  readonly #readsBy = new Map<string, number>()
  readonly #refused: Error[] = []
  /** By key: a bench of an hour must not hold a list. */
  readonly #told = new Uint8Array(spread)
  readonly #counts = {acknowledged: 0, unknown: 0}
  readonly #from: number
  readonly #pauseMs: number
  #key = 0

  constructor(db: Database, {readers, writers, from = 0, pauseMs = 2}: CallersOptions) {
    this.#db = db
    this.#from = from
    this.#pauseMs = pauseMs
    const callers = [
      ...Array.from({length: readers}, () => this.#read()),
      ...Array.from({length: writers}, () => this.#write()),
    ]
    this.#ended = Promise.all(callers)
  }

  get report(): Report {
    return {
      reads: this.#reads,
      lost: this.#lost,
      slowestReadMs: this.#slowest,
      readsBy: this.#readsBy,
      ...this.#counts,
      refused: this.#refused,
    }
  }

  /** The slowest read is looked for anew. */
  lap(): void {
    this.#slowest = 0
  }

  /** Ends the callers, and compares what they were told with what the primary holds. */
  async held(primary: PgNode): Promise<Held> {
    await this[Symbol.asyncDispose]()
    const range = `key >= ${this.#from} and key < ${this.#from + spread}`
    const rows = (await primary.sql(`select key, count(*)::int as times from callers where ${range} group by key`)) as {
      key: number
      times: number
    }[]
    const there = new Set(rows.map(({key}) => key - this.#from))
    const keys = (of: number, isThere: boolean) =>
      this.#told
        .subarray(0, this.#key)
        .reduce((sum, one, key) => sum + Number(one === of && there.has(key) === isThere), 0)
    return {
      missing: keys(told.acknowledged, false),
      twice: rows.filter(({times}) => times > 1).length,
      notDoneButThere: keys(told.refused, true),
      unknownAndDone: keys(told.unknown, true),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#ended
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const begun = performance.now()
      try {
        const {host} = await this.#db.read('select count(*) from callers where key < 10')
        this.#readsBy.set(host, (this.#readsBy.get(host) ?? 0) + 1)
        this.#reads += 1
        this.#slowest = Math.max(this.#slowest, performance.now() - begun)
      } catch (error) {
        this.#lost.push(error as Error)
        await sleep(20)
      }
      await sleep(this.#pauseMs)
    }
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const key = this.#key++
      try {
        await this.#db.write('insert into callers values ($1)', [this.#from + key])
        this.#told[key] = told.acknowledged
        this.#counts.acknowledged += 1
      } catch (error) {
        if (error instanceof ConnectorError && error.outcome === 'unknown') {
          this.#told[key] = told.unknown
          this.#counts.unknown += 1
        } else {
          this.#told[key] = told.refused
          this.#refused.push(error as Error)
        }
        await sleep(20)
      }
      await sleep(this.#pauseMs)
    }
  }
}
