import type pg from 'pg'
import type {Kind} from '../kind.ts'
import type {PgModule} from '../types.ts'
import type {PoolListener} from './pool-set.ts'

type Callback = (error: Error | undefined, result?: pg.QueryResult) => void
type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: boolean | Error) => void,
) => void

/** What a pool for a library stands on. */
export type PoolBase = Readonly<{
  kind: Kind
  client: () => Promise<pg.PoolClient>
  /** `null`: a query takes a client of its own, as in `pg.Pool`. */
  query: ((query: string | pg.QueryConfig, values: readonly unknown[] | undefined) => Promise<pg.QueryResult>) | null
  counts: () => Readonly<{total: number; idle: number; waiting: number; expired: number}>
  options: () => pg.PoolConfig
  listeners: Set<PoolListener>
}>

/**
 * A pool for libraries that take one: a real subclass of `pg.Pool` over the connections of all
 * hosts. A facade that only looks like one corrupts data: drizzle-orm takes a pool whose class is
 * not called so for a client, and its transactions run on several connections (seen).
 */
export function routedPool(module: PgModule, base: PoolBase): pg.Pool {
  class RoutedPool extends module.Pool {
    #isEnded = false
    readonly #listener: PoolListener = {
      kind: base.kind,
      tell: (event, client, error) => {
        if (this.listenerCount(event) === 0) return
        if (event === 'release') this.emit('release', error, client)
        else this.emit(event, client)
      },
    }

    constructor() {
      super({max: 1})
      // Without a listener, an error of a client would end the process.
      this.on('error', () => {})
      // graphile-worker warns of a pool that looks after no new client: the connector does.
      this.on('connect', () => {})
      const counts = {
        totalCount: () => base.counts().total,
        idleCount: () => base.counts().idle,
        waitingCount: () => base.counts().waiting,
        expiredCount: () => base.counts().expired,
        ending: () => this.#isEnded,
        ended: () => this.#isEnded,
        options: base.options,
      }
      for (const [name, get] of Object.entries(counts))
        Object.defineProperty(this, name, {get, set: () => {}, configurable: true, enumerable: true})
      base.listeners.add(this.#listener)
    }

    override connect(): Promise<pg.PoolClient>
    override connect(callback: ConnectCallback): void
    override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
      const client = this.#isEnded ? Promise.reject(afterEnd()) : base.client()
      if (callback === undefined) return client
      client.then(
        (client) => callback(undefined, client, client.release.bind(client)),
        (error: Error) => callback(error, undefined, () => {}),
      )
    }

    // biome-ignore lint/suspicious/noExplicitAny: pg's overloads leave no narrower type
    override query(...args: any[]): any {
      const [query, given, last] = args
      if (typeof query === 'function' || typeof query?.submit === 'function') {
        const refusal = new TypeError(
          'a pool runs texts and configurations of queries; run a cursor or a stream on a client from connect()',
        )
        const callback = [given, last].find((arg) => typeof arg === 'function')
        return callback ? callback(refusal) : Promise.reject(refusal)
      }
      if (base.query === null) return Reflect.apply(super.query, this, args)
      const callback: Callback | undefined = typeof given === 'function' ? given : last
      const values = typeof given === 'function' ? undefined : given
      const result = this.#isEnded ? Promise.reject(afterEnd()) : base.query(query, values)
      if (callback === undefined) return result
      result.then(
        (done) => callback(undefined, done),
        (error: Error) => callback(error),
      )
    }

    override end(): Promise<void>
    override end(callback: () => void): void
    override end(callback?: (error?: Error) => void): Promise<void> | undefined {
      const ended = this.#isEnded ? Promise.reject(new Error('Called end on pool more than once')) : Promise.resolve()
      this.#isEnded = true
      base.listeners.delete(this.#listener)
      if (callback === undefined) return ended
      ended.then(() => callback(), callback)
    }
  }
  return new RoutedPool()
}

const afterEnd = () => new Error('Cannot use a pool after calling end on the pool')
