import type pg from 'pg'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import type {Kind} from '../kind.ts'
import {poolFate} from '../policy/pool-fate.ts'
import type {DatabaseSettings} from '../settings.ts'
import type {PgModule} from '../types.ts'
import {HostPool, type PoolEvent} from './host-pool.ts'
import {destroySocket} from './routed-client.ts'

export type PoolSetDeps = Readonly<{
  pg: PgModule
  settings: DatabaseSettings
  current: () => Snapshot
  isOnline: (host: string) => boolean
  writer: () => string | null
  lost: (host: string) => void
}>

/** A pool that a library holds: it hears of the clients of all hosts. */
export type PoolListener = Readonly<{kind: Kind; tell(event: PoolEvent, client: pg.PoolClient, error?: Error): void}>

/** A setting of the session, and no wall: a session of a standby outlives its promotion, and would write. */
const readOnly = '-c default_transaction_read_only=on'

/** The connections of one database: a pool per host and kind, made when it is needed first. */
export class PoolSet {
  readonly listeners = new Set<PoolListener>()
  readonly #deps: PoolSetDeps
  readonly #pools: Readonly<Record<Kind, Map<string, Readonly<{pool: HostPool; address: string}>>>> = {
    read: new Map(),
    write: new Map(),
  }
  /** Clients that libraries made from the driver. */
  readonly #adopted = new Map<pg.Client, Readonly<{host: string; kind: Kind}>>()
  /** Those that end, and those that still have clients out. */
  readonly #ending = new Set<Readonly<{pool: HostPool; ended: Promise<void>}>>()

  constructor(deps: PoolSetDeps) {
    this.#deps = deps
  }

  /** Throws where the snapshot does not have the host: ask for offered hosts alone. */
  pool(host: string, kind: Kind): HostPool {
    const known = this.#pools[kind].get(host)
    if (known !== undefined) return known.pool
    const state = this.#deps.current().hosts[host]
    if (state === undefined) throw new Error(`there is no host ${host}`)
    const pool = this.#open(state, kind)
    this.#pools[kind].set(host, {pool, address: addressOf(state)})
    return pool
  }

  /** Statements in flight on a host, for a choice among hosts. */
  inFlight(host: string, kind: Kind): number {
    return this.#pools[kind].get(host)?.pool.inFlight ?? 0
  }

  /** All that still runs on a host, in retired pools too. */
  running(host: string): number {
    const ending = [...this.#ending].filter(({pool}) => pool.host === host).map(({pool}) => pool.inFlight)
    return ending.reduce((sum, count) => sum + count, this.inFlight(host, 'read') + this.inFlight(host, 'write'))
  }

  get #all() {
    return [...this.#pools.read.values(), ...this.#pools.write.values()]
  }

  counts(kind: Kind): Readonly<{total: number; idle: number; waiting: number; expired: number}> {
    const all = [...this.#pools[kind].values()].map(({pool}) => pool.counts)
    const sum = (pick: (one: HostPool['counts']) => number) => all.reduce((total, one) => total + pick(one), 0)
    return {
      total: sum(({total}) => total),
      idle: sum(({idle}) => idle),
      waiting: sum(({waiting}) => waiting),
      expired: sum(({expired}) => expired),
    }
  }

  /** Keeps, retires or cuts each pool, by what the snapshot says of its host. */
  follow(snapshot: Snapshot): void {
    const writer = this.#deps.writer()
    for (const {pool, address} of this.#all) {
      const {host: name, kind} = pool
      const host = snapshot.hosts[name]
      const fate = poolFate({kind, name, host, isOnline: this.#deps.isOnline(name), writer})
      const isMoved = host !== undefined && addressOf(host) !== address
      if (fate === 'keep' && !isMoved) continue
      this.#pools[pool.kind].delete(pool.host)
      this.#end(pool, fate === 'cut')
    }
    for (const [client, {host: name, kind}] of this.#adopted) {
      const fate = poolFate({kind, name, host: snapshot.hosts[name], isOnline: true, writer})
      if (fate === 'cut') destroySocket(client)
    }
    // Clients that were out when their host was retired may be cut later.
    for (const {pool} of this.#ending) {
      const {host: name, kind} = pool
      const fate = poolFate({kind, name, host: snapshot.hosts[name], isOnline: true, writer})
      if (fate === 'cut') void pool.cut()
    }
  }

  /** A client that a library keeps: its socket is cut as those of the pools are. */
  adopt(client: pg.Client, host: string, kind: Kind): void {
    this.#adopted.set(client, {host, kind})
    client.once('end', () => this.#adopted.delete(client))
  }

  /** Destroys every socket to a host. */
  cut(host: string): void {
    for (const [client, {host: name}] of this.#adopted) if (name === host) destroySocket(client)
    for (const {pool} of this.#all) {
      if (pool.host !== host) continue
      this.#pools[pool.kind].delete(pool.host)
      this.#end(pool, true)
    }
    for (const {pool} of this.#ending) if (pool.host === host) void pool.cut()
  }

  /** Retires every pool. Resolves when each client is back. */
  async retire(): Promise<void> {
    for (const {pool} of this.#all) {
      this.#pools[pool.kind].delete(pool.host)
      this.#end(pool, false)
    }
    await Promise.all([...this.#ending].map(({ended}) => ended))
  }

  cutAll(): void {
    for (const client of this.#adopted.keys()) destroySocket(client)
    for (const {pool} of this.#ending) void pool.cut()
  }

  #end(pool: HostPool, isCut: boolean): void {
    const ending = {pool, ended: isCut ? pool.cut() : pool.retire()}
    this.#ending.add(ending)
    void ending.ended.then(() => this.#ending.delete(ending))
  }

  #open(state: HostState, kind: Kind): HostPool {
    const {pg, settings, lost, writer} = this.#deps
    const {host} = state
    const {max, fallbackMax} = {...settings.pool, ...settings.read}
    return new HostPool({
      pg,
      host,
      kind,
      config: this.config(state, kind),
      connectionTimeoutMillis: settings.pool.connectionTimeoutMillis,
      opening: settings.write.opening,
      limit: () => (kind === 'read' && writer() === host ? fallbackMax : max),
      tell: (event, client, error) => {
        for (const listener of this.listeners) if (listener.kind === kind) listener.tell(event, client, error)
      },
      lost: () => lost(host),
    })
  }

  /** The login of the application at one host. */
  config({host, address, port}: HostState, kind: Kind): pg.PoolConfig & {max: number} {
    const {connection, hosts, pool} = this.#deps.settings
    const {max, min, idleTimeoutMillis, maxLifetimeSeconds} = pool
    const own = {...connection, host: address, port, ...hosts[host]}
    const options = [own.options, kind === 'read' ? readOnly : undefined].filter(Boolean).join(' ')
    return {...own, ...(options !== '' && {options}), max, min, idleTimeoutMillis, maxLifetimeSeconds}
  }
}

const addressOf = ({address, port}: HostState) => `${address} ${port}`
