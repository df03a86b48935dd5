import type pg from 'pg'
import type {Kind} from '../kind.ts'
import type {PgModule} from '../types.ts'
import {destroySocket, factsOf, isSocketGone, routedClientClass} from './routed-client.ts'

/** Exactly one of the two. `isCut`: the socket of the connection that failed is gone. */
export type Acquired = (outcome: Readonly<{client: pg.PoolClient} | {error: Error; isCut: boolean} | 'closed'>) => void

export type HostPoolDeps = Readonly<{
  pg: PgModule
  host: string
  kind: Kind
  /** Complete: with host, port and login. */
  config: pg.PoolConfig & Readonly<{max: number}>
  connectionTimeoutMillis: number
  /** How many connections are opened at once. */
  opening: number
  /** How many statements may run at once; asked each time. */
  limit: () => number
  /** pg-pool's own events, for the pools that libraries see. */
  tell: (event: PoolEvent, client: pg.PoolClient, error?: Error) => void
  /** A connection was lost that no statement was using. */
  lost: () => void
}>
export type PoolEvent = 'connect' | 'acquire' | 'release' | 'remove'

export type Wait = Readonly<{
  /** An idle client is on its way. */
  isAtHand: boolean
  /** Gives up the wait. A client that comes after that goes back to the pool. */
  giveUp: () => void
}>

class Waiter implements Wait {
  isAtHand = false
  isCancelled = false
  readonly #acquired: Acquired

  constructor(acquired: Acquired) {
    this.#acquired = acquired
  }

  readonly giveUp = () => {
    this.isCancelled = true
  }

  give(outcome: Parameters<Acquired>[0]): void {
    if (!this.isCancelled) this.#acquired(outcome)
  }
}

/**
 * The connections to one host for one kind of work: a `pg.Pool`, and before it a queue of this
 * class. The queue opens connections in portions: a hundred at once make a new primary slow, for
 * all of them. It also knows who waits, so that waiters move to another host.
 */
export class HostPool {
  readonly host: string
  readonly kind: Kind
  readonly #deps: HostPoolDeps
  readonly #inner: pg.Pool
  readonly #clients = new Set<pg.Client>()
  #queue: Waiter[] = []
  /** Given to the inner pool: it forgets those that wait for an idle client when it ends. */
  readonly #handed = new Set<Waiter>()
  #opening = 0
  /** Given to the inner pool, and not back yet. */
  #pending = 0
  /** Those of them for which an idle client is there. */
  #claimed = 0
  #leased = 0
  /** The latest client that pg-pool made. */
  #born: pg.Client | null = null
  #ended: Promise<void> | null = null

  constructor(deps: HostPoolDeps) {
    this.#deps = deps
    this.host = deps.host
    this.kind = deps.kind
    const birth = {
      host: deps.host,
      kind: deps.kind,
      connectionTimeoutMillis: deps.connectionTimeoutMillis,
      born: (client: pg.Client) => {
        this.#born = client
        this.#clients.add(client)
      },
      died: (client: pg.Client) => this.#clients.delete(client),
    }
    const Client = routedClientClass(deps.pg.Client, birth) as unknown as new () => pg.ClientBase
    this.#inner = new deps.pg.Pool({...deps.config, Client})
    this.#inner.on('error', () => deps.lost())
    this.#inner.on('connect', (client) => deps.tell('connect', client))
    this.#inner.on('acquire', (client) => deps.tell('acquire', client))
    this.#inner.on('release', (error, client) => {
      this.#leased -= 1
      deps.tell('release', client, error)
      // pg-pool puts the client back after this event.
      if (this.#queue.length > 0) queueMicrotask(() => this.#pump())
    })
    this.#inner.on('remove', (client) => {
      deps.tell('remove', client)
      if (this.#queue.length > 0) this.#pump()
    })
  }

  /** Statements that run, and those that wait for a connection. */
  get inFlight(): number {
    return this.#leased + this.#pending + this.#queue.length
  }

  get counts(): Readonly<{total: number; idle: number; waiting: number; expired: number}> {
    const {totalCount: total, idleCount: idle, expiredCount: expired} = this.#inner
    return {total, idle, waiting: this.#queue.length, expired}
  }

  /** A client, as soon as there is one. `acquired` is called once, never before this returns. */
  acquire(acquired: Acquired): Wait {
    const waiter = new Waiter(acquired)
    if (this.#ended !== null) queueMicrotask(() => waiter.give('closed'))
    else {
      this.#queue.push(waiter)
      this.#pump()
    }
    return waiter
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#ended === null) {
      if (this.#queue[0]?.isCancelled) {
        this.#queue.shift()
        continue
      }
      const inner = this.#inner
      if (this.#leased + this.#pending >= Math.min(this.#deps.limit(), this.#deps.config.max)) return
      const isIdle = inner.idleCount > this.#claimed
      if (!isIdle && (this.#opening >= this.#deps.opening || inner.totalCount >= this.#deps.config.max)) return
      const waiter = this.#queue.shift()
      if (waiter === undefined) return
      this.#handOver(waiter, isIdle)
    }
  }

  #handOver(waiter: Waiter, isIdle: boolean): void {
    this.#pending += 1
    this.#handed.add(waiter)
    waiter.isAtHand = isIdle
    if (isIdle) this.#claimed += 1
    else this.#opening += 1
    this.#born = null
    this.#inner.connect((error, client) => {
      this.#pending -= 1
      this.#handed.delete(waiter)
      if (isIdle) this.#claimed -= 1
      else this.#opening -= 1
      if (client === undefined) {
        const isCut = fresh === null || isSocketGone(fresh)
        waiter.give({error: error ?? new Error('pg gave no client'), isCut})
      } else {
        this.#leased += 1
        if (waiter.isCancelled) client.release()
        else waiter.give({client})
      }
      this.#pump()
    })
    // Made within the call, or not at all: then an idle client is on its way.
    const fresh: pg.Client | null = this.#born
  }

  /** No new work. Idle connections are closed, those in use when they come back; then it resolves. */
  retire(): Promise<void> {
    if (this.#ended !== null) return this.#ended
    this.#ended = this.#inner.end().catch(() => {})
    const waiters = [...this.#queue, ...this.#handed]
    this.#queue = []
    for (const waiter of waiters) {
      waiter.give('closed')
      waiter.giveUp()
    }
    return this.#ended
  }

  /** Retires, and destroys every socket. Statements that run there fail as lost. */
  cut(): Promise<void> {
    const ended = this.retire()
    for (const client of this.#clients) destroySocket(client)
    return ended
  }
}

/** A client that may not be used: its connection was lost while it lay in the pool. */
export const isLost = (client: pg.ClientBase): boolean => {
  const facts = factsOf(client)
  return facts === undefined || facts.loss !== null || isSocketGone(client)
}
