import type pg from 'pg'
import type {Clock, Random, SnapshotSource} from '../core/ports.ts'
import type {ReadFallback} from '../core/settings.ts'
import type {Publication, Verdict} from '../core/snapshot.ts'
import {ConnectorError} from './connector-error.ts'
import {type ConnectorEvents, Emitter} from './events.ts'
import {Fleet} from './fleet.ts'
import type {Kind} from './kind.ts'
import type {Lane, Lease} from './lane.ts'
import {type ReadRequest, readerLane, type WriteRequest, writerLane} from './lanes.ts'
import {PoolSet} from './pools/pool-set.ts'
import {routedPool} from './pools/routed-pool.ts'
import {type DatabaseSettings, durationMs, fallbackOption, limitsOf} from './settings.ts'
import {runRead} from './statements/read-run.ts'
import {runTransaction} from './statements/transaction.ts'
import {runWrite, type WriteAnswer} from './statements/write-run.ts'
import type {Database, Node, PgModule, ReadOptions, Routed, TransactionOptions, WriteOptions} from './types.ts'

export type DatabaseDeps = Readonly<{
  source: SnapshotSource
  settings: DatabaseSettings
  group: string
  fallback: ReadFallback
  pg: PgModule
  clock: Clock
  random: Random
}>

export class RoutedDatabase implements Database {
  readonly name: string
  readonly writer: pg.Pool
  readonly reader: pg.Pool
  readonly #deps: DatabaseDeps
  readonly #events = new Emitter()
  readonly #fleet: Fleet
  readonly #pools: PoolSet
  readonly #reads: Lane<ReadRequest>
  readonly #writes: Lane<WriteRequest>
  readonly #unsubscribe: () => void
  #writer: string | null

  constructor(deps: DatabaseDeps) {
    const {source, settings, group, fallback, pg, clock, random} = deps
    this.name = settings.name
    this.#deps = deps
    this.#fleet = new Fleet({
      ...{source, group, settings, fallback, clock, random, events: this.#events},
      inFlight: (host) => this.#pools.inFlight(host, 'read'),
      running: (host) => this.#pools.running(host),
      switched: () => this.#follow(),
      cut: (host) => this.#pools.cut(host),
    })
    this.#pools = new PoolSet({
      ...{pg, settings},
      current: () => source.current(),
      isOnline: (host) => this.#fleet.isOnline(host),
      writer: () => this.#fleet.writer,
      lost: (host) => {
        this.#fleet.node(host).connectionErrors += 1
      },
    })
    const lanes = {fleet: this.#fleet, pools: this.#pools, settings, clock, events: this.#events}
    this.#reads = readerLane(lanes)
    this.#writes = writerLane(lanes)
    this.#writer = this.#fleet.writer
    this.writer = this.#pool('write')
    this.reader = this.#pool('read')
    this.#unsubscribe = source.subscribe((publication) => this.#published(publication))
  }

  // biome-ignore lint/suspicious/noExplicitAny: as pg's own types
  read<R extends pg.QueryResultRow = any>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
    options: ReadOptions = {},
  ): Promise<Routed<R>> {
    const {settings, clock} = this.#deps
    const deps = {
      ...{fleet: this.#fleet, lane: this.#reads, clock, events: this.#events},
      isTimed: settings.read.choose === 'fastest',
    }
    return new Promise((resolve, reject) => {
      const read = {query: statementOf(query), values, request: this.#request(options), hedgeMs: settings.read.hedgeMs}
      runRead(deps, read, (error, answer) => {
        if (answer === undefined) reject(error)
        else resolve(Object.assign(answer.result, {host: answer.host, attempts: answer.attempts}))
      })
    })
  }

  // biome-ignore lint/suspicious/noExplicitAny: as pg's own types
  write<R extends pg.QueryResultRow = any>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
    options: WriteOptions = {},
  ): Promise<Routed<R>> {
    const deps = {fleet: this.#fleet, lane: this.#writes, events: this.#events}
    return new Promise((resolve, reject) => {
      const write = {query: statementOf(query), values, request: this.#writeRequest(options)}
      runWrite(deps, write, (error, answer?: WriteAnswer) => {
        if (answer === undefined) return reject(error)
        const {result, host, attempts, client} = answer
        client.release()
        resolve(Object.assign(result, {host, attempts}))
      })
    })
  }

  transaction<T>(run: (client: pg.PoolClient) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const deps = {fleet: this.#fleet, events: this.#events}
    return runTransaction(deps, () => this.#lease(options.readOnly === true ? 'read' : 'write', options), run, options)
  }

  async client(kind: Kind, options: Readonly<{signal?: AbortSignal}> = {}): Promise<pg.PoolClient & Disposable> {
    const {client, host} = await this.#lease(kind, options)
    this.#fleet.node(host).queries += 1
    return client as pg.PoolClient & Disposable
  }

  node(name: string | Readonly<{host: string; port: number}>): Node {
    const {names} = this.#fleet
    const found = names.find((one) => {
      if (typeof name === 'string') return one === name
      const state = this.#fleet.state(one)
      return state !== undefined && state.port === name.port && [state.address, ...state.addresses].includes(name.host)
    })
    if (found !== undefined) return this.#fleet.node(found)
    const asked = typeof name === 'string' ? name : `${name.host}:${name.port}`
    throw new TypeError(`there is no host ${asked}; hosts: ${names.join(', ')}`)
  }

  get nodes(): readonly Node[] {
    return this.#fleet.names.map((name) => this.#fleet.node(name))
  }

  get verdict(): Verdict {
    return this.#fleet.verdict
  }

  on<E extends keyof ConnectorEvents>(event: E, listener: (event: ConnectorEvents[E]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /** No new work. Resolves when each client is back; `cut` ends the wait. */
  close(): Promise<void> {
    this.#unsubscribe()
    this.#reads.close()
    this.#writes.close()
    return this.#pools.retire()
  }

  /** Destroys what is still open after `close`. */
  cut(): void {
    this.#pools.cutAll()
  }

  #pool(kind: Kind): pg.Pool {
    const {settings, pg} = this.#deps
    const options = () => {
      const writer = kind === 'write' ? this.#fleet.writer : null
      const state = writer === null ? undefined : this.#fleet.state(writer)
      // Kysely cancels a statement on a second connection, by these options: a pid is worth nothing
      // without its host, so the reader's lead nowhere.
      if (state === undefined) return {...settings.connection, max: settings.pool.max, Client: NoClient as never}
      return this.#pools.config(state, kind)
    }
    return routedPool(pg, {
      kind,
      client: async () => (await this.#lease(kind, {})).client,
      query: kind === 'read' ? (query, values) => this.read(query, values) : null,
      counts: () => {
        const counts = this.#pools.counts(kind)
        return {...counts, waiting: counts.waiting + (kind === 'read' ? this.#reads.waiting : this.#writes.waiting)}
      },
      options,
      listeners: this.#pools.listeners,
    })
  }

  #lease(kind: Kind, options: Readonly<{signal?: AbortSignal | undefined}>): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const leased = (outcome: {lease: Lease} | {error: Error}) =>
        'lease' in outcome ? resolve(outcome.lease) : reject(outcome.error)
      if (kind === 'read') this.#reads.acquire(this.#request({...options} as ReadOptions), leased)
      else this.#writes.acquire({waitMs: this.#deps.settings.write.waitMs, signal: options.signal}, leased)
    })
  }

  #request({maxLag, from, fallback, signal}: ReadOptions): ReadRequest {
    const {settings, fallback: usual} = this.#deps
    return {
      waitMs: settings.read.waitMs,
      signal,
      limits: maxLag === undefined ? settings.read.limits : limitsOf('maxLag', maxLag),
      fallback: fallback === undefined ? usual : fallbackOption('fallback', fallback),
      avoid: new Set(),
      from: from === undefined ? null : this.node(from).name,
    }
  }

  #writeRequest({wait, signal}: WriteOptions): WriteRequest {
    return {waitMs: wait === undefined ? this.#deps.settings.write.waitMs : durationMs('wait', wait), signal}
  }

  #published(_publication: Publication): void {
    this.#follow()
  }

  /** The snapshot, or a switch of the application, may have changed who is offered. */
  #follow(): void {
    this.#fleet.clear()
    const {writer} = this.#fleet
    this.#pools.follow(this.#fleet.snapshot)
    const from = this.#writer
    if (from !== writer) {
      this.#writer = writer
      const verdict = this.#fleet.verdictOrNull
      if (verdict !== null) this.#events.emit('switch', {from, to: writer, verdict})
    }
    this.#reads.wake()
    this.#writes.wake()
  }
}

/** A cursor on a pool would keep its client for ever. */
function statementOf(query: string | pg.QueryConfig): string | pg.QueryConfig {
  if (typeof query === 'string' || (typeof query === 'object' && query !== null && !('submit' in query))) return query
  throw new TypeError('a statement is a text or a configuration of a query; run a cursor on a client from client()')
}

class NoClient {
  constructor() {
    throw new ConnectorError('no-reader', 'a connection to a reader is not opened by the options of its pool', {
      next: 'Take a client from connect() of the pool.',
    })
  }
}
