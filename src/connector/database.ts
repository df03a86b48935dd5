import type pg from 'pg'
import type {Clock, Random, SnapshotSource} from '../core/ports.ts'
import type {ReadFallback} from '../core/settings.ts'
import type {HostState, Verdict} from '../core/snapshot.ts'
import {Causal} from './causal/causal.ts'
import {type ConnectorEvents, Emitter} from './events.ts'
import {Fleet} from './fleet.ts'
import type {Kind} from './kind.ts'
import {closed, type Lane, type Lease} from './lane.ts'
import {type ReadRequest, readerLane, type WriteRequest, writerLane} from './lanes.ts'
import {listen} from './listen.ts'
import {driverModule} from './pools/driver.ts'
import {libraryPool} from './pools/library-pool.ts'
import {PoolSet} from './pools/pool-set.ts'
import {type DatabaseSettings, durationMs, fallbackOption, limitsOf} from './settings.ts'
import {type ReadDeps, runRead} from './statements/read-run.ts'
import {runTransaction} from './statements/transaction.ts'
import {runWrite, type WriteAnswer, type WriteDeps} from './statements/write-run.ts'
import {tellSwitch, traced} from './trace.ts'
import type {Database, Node, PgModule, ReadOptions, Routed, Token, TransactionOptions, WriteOptions} from './types.ts'

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
  readonly driver: PgModule
  readonly #deps: DatabaseDeps
  readonly #events = new Emitter()
  readonly #fleet: Fleet
  readonly #pools: PoolSet
  readonly #reads: Lane<ReadRequest>
  readonly #writes: Lane<WriteRequest>
  readonly #causal: Causal
  readonly #readDeps: ReadDeps
  readonly #writeDeps: WriteDeps
  #isClosed = false
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
    const isTimed = settings.read.choose === 'fastest'
    this.#readDeps = {fleet: this.#fleet, lane: this.#reads, clock, events: this.#events, isTimed}
    this.#writeDeps = {fleet: this.#fleet, lane: this.#writes, events: this.#events}
    this.#causal = new Causal({fleet: this.#fleet, lane: this.#reads, clock, events: this.#events})
    const pool = (kind: Kind) =>
      libraryPool(kind, {
        ...{pg, settings, fleet: this.#fleet, pools: this.#pools},
        client: async (kind) => (await this.#lease(kind, {})).client,
        read: (query, values) => this.read(query, values),
        waiting: (kind) => (kind === 'read' ? this.#reads.waiting : this.#writes.waiting),
      })
    this.writer = pool('write')
    this.reader = pool('read')
    this.driver = driverModule({
      ...{pg, pool},
      target: (kind) => this.#target(kind),
      config: (state, kind) => this.#pools.config(state, kind),
      isOffered: (host, kind) => (kind === 'write' ? this.#fleet.writer === host : this.#fleet.isOnline(host)),
      adopt: (client, host, kind) => this.#pools.adopt(client, host, kind),
    })
    this.#unsubscribe = source.subscribe(() => this.#follow())
  }

  // biome-ignore lint/suspicious/noExplicitAny: as pg's own types
  read<R extends pg.QueryResultRow = any>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
    options: ReadOptions = {},
  ): Promise<Routed<R>> {
    return traced(this.name, 'read', () => this.#read<R>(query, values, options))
  }

  /** Callbacks within: each `await` on the way costs more than all the choosing. */
  #read<R extends pg.QueryResultRow>(
    given: string | pg.QueryConfig,
    values: readonly unknown[] | undefined,
    options: ReadOptions,
  ): Promise<Routed<R>> {
    return new Promise((resolve, reject) => {
      const [query, request] = [statementOf(given), this.#request(options)]
      if (options.after !== undefined) return resolve(this.#causal.read(options.after, {query, values, request}))
      const {hedgeMs} = this.#deps.settings.read
      runRead(this.#readDeps, {query, values, request, hedgeMs}, (error, answer) => {
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
    return traced(this.name, 'write', () => this.#write<R>(query, values, options))
  }

  #write<R extends pg.QueryResultRow>(
    given: string | pg.QueryConfig,
    values: readonly unknown[] | undefined,
    options: WriteOptions,
  ): Promise<Routed<R>> {
    return new Promise((resolve, reject) => {
      const write = {query: statementOf(given), values, request: this.#writeRequest(options)}
      runWrite(this.#writeDeps, write, (error, answer?: WriteAnswer) => {
        if (answer === undefined) return reject(error)
        const {result, host, attempts, client} = answer
        const routed = Object.assign(result, {host, attempts})
        if (options.token === true) resolve(this.#causal.withToken(routed, {client, host, attempts}, options.signal))
        else {
          client.release()
          resolve(routed)
        }
      })
    })
  }

  async token(): Promise<Token> {
    return this.#causal.token(await this.#lease('write', {}))
  }

  listen(
    channel: string,
    on: (payload: string) => void,
    {onGap = () => {}}: Readonly<{onGap?: () => void}> = {},
  ): Promise<AsyncDisposable> {
    const {clock, pg} = this.#deps
    const lease = (signal: AbortSignal) => this.#lease('write', {signal})
    return listen({clock, lease, escapeIdentifier: pg.escapeIdentifier}, {channel, on, onGap})
  }

  transaction<T>(run: (client: pg.PoolClient) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const deps = {fleet: this.#fleet, events: this.#events}
    return runTransaction(deps, () => this.#lease(options.readOnly === true ? 'read' : 'write', options), run, options)
  }

  async client(
    kind: Kind,
    options: Readonly<{after?: Token; signal?: AbortSignal}> = {},
  ): Promise<pg.PoolClient & Disposable> {
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

  /** The group may have another `read_fallback` now, which counts where the database has none. */
  reloaded(fallbackOf: (group: string) => ReadFallback): void {
    const {settings, group} = this.#deps
    if (settings.read.fallback === null) this.#fleet.fallback = fallbackOf(group)
  }

  /** No new work. Resolves when each client is back; `cut` ends the wait. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    this.#reads.close()
    this.#writes.close()
    return this.#pools.retire()
  }

  /** Destroys what is still open after `close`. */
  cut(): void {
    this.#pools.cutAll()
  }

  async #lease(kind: Kind, options: Readonly<{after?: Token | undefined; signal?: AbortSignal | undefined}>) {
    const {after, signal} = options
    // The writer shows everything that it has committed.
    if (kind === 'write' || after === undefined) return this.#plainLease(kind, {signal})
    return this.#causal.lease(after, this.#request({...(signal && {signal})}))
  }

  #plainLease(kind: Kind, options: Readonly<{signal?: AbortSignal | undefined}>): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const leased = (outcome: {lease: Lease} | {error: Error}) =>
        'lease' in outcome ? resolve(outcome.lease) : reject(outcome.error)
      if (kind === 'read') this.#reads.acquire(this.#request({...options} as ReadOptions), leased)
      else this.#writes.acquire({waitMs: this.#deps.settings.write.waitMs, signal: options.signal}, leased)
    })
  }

  #request({maxLag, from, fallback, signal}: ReadOptions): ReadRequest {
    const {settings} = this.#deps
    return {
      waitMs: settings.read.waitMs,
      signal,
      limits: maxLag === undefined ? settings.read.limits : limitsOf('maxLag', maxLag),
      fallback: fallback === undefined ? this.#fleet.fallback : fallbackOption('fallback', fallback),
      avoid: new Set(),
      from: from === undefined ? null : this.node(from).name,
    }
  }

  #writeRequest({wait, signal}: WriteOptions): WriteRequest {
    return {waitMs: wait === undefined ? this.#deps.settings.write.waitMs : durationMs('wait', wait), signal}
  }

  /** The host for a connection that a library opens. It waits as a statement does. */
  async #target(kind: Kind): Promise<HostState> {
    if (this.#isClosed) throw closed()
    const pick = () => (kind === 'write' ? this.#fleet.writer : this.#fleet.reader(this.#request({})))
    if (pick() === null) (await this.#lease(kind, {})).client.release()
    const state = this.#fleet.state(pick() ?? '')
    return state ?? this.#target(kind)
  }

  #tellSwitch(told: ConnectorEvents['switch']): void {
    this.#events.emit('switch', told)
    tellSwitch(this.name, told)
  }

  /** The snapshot, or a switch of the application, may have changed who is offered. */
  #follow(): void {
    this.#fleet.follow()
    const {writer} = this.#fleet
    this.#pools.follow(this.#fleet.snapshot)
    const from = this.#writer
    if (from !== writer) {
      this.#writer = writer
      const verdict = this.#fleet.verdictOrNull
      if (verdict !== null) this.#tellSwitch({from, to: writer, verdict})
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
