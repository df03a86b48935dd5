import type pg from 'pg'
import type {HostState} from '../../core/snapshot.ts'
import type {Kind} from '../kind.ts'
import type {PgModule} from '../types.ts'
import {destroySocket} from './routed-client.ts'

export type DriverDeps = Readonly<{
  pg: PgModule
  /** A pool of this kind, of its own for each call. */
  pool: (kind: Kind) => pg.Pool
  /** The host for a new connection. Rejects with ConnectorError when there is none in time. */
  target: (kind: Kind) => Promise<HostState>
  config: (state: HostState, kind: Kind) => pg.ClientConfig
  isOffered: (host: string, kind: Kind) => boolean
  /** The connector cuts its socket as it does with its own. */
  adopt: (client: pg.Client, host: string, kind: Kind) => void
}>

type Connected = (error: Error | null, client?: pg.Client) => void

/**
 * A module like `pg` for libraries that make pools and clients of their own from it: TypeORM,
 * Sequelize, Knex. `host` in their configuration is `writer` (default) or `reader`; login, port and
 * pool are those of the database.
 */
export function driverModule(deps: DriverDeps): PgModule {
  const {pg: base} = deps
  class Pool {
    constructor(config?: pg.PoolConfig) {
      // biome-ignore lint/correctness/noConstructorReturn: the library asks for a new pool, and gets one
      return deps.pool(kindOf(config?.host)) as never
    }
  }
  return Object.assign(Object.create(base), {...base, Pool, Client: clientClass(deps)})
}

function clientClass({pg: base, target, config, isOffered, adopt}: DriverDeps) {
  return class Client extends base.Client {
    readonly #kind: Kind
    #host: string | null = null

    constructor(given?: string | pg.ClientConfig) {
      if (typeof given === 'string') throw refusal(given)
      // The address comes with connect(): a library makes its clients long before.
      super({...config({host: '', address: 'localhost', port: 5432} as HostState, kindOf(given?.host))})
      this.#kind = kindOf(given?.host)
      this.on('error', () => {})
    }

    override connect(): Promise<pg.Client>
    override connect(callback: Connected): void
    override connect(callback?: Connected): Promise<pg.Client> | undefined {
      const connected = this.#connect()
      if (callback === undefined) return connected
      connected.then(
        () => callback(null, this),
        (error: Error) => callback(error),
      )
    }

    async #connect(): Promise<pg.Client> {
      const state = await target(this.#kind)
      const {host = state.address, port = state.port} = config(state, this.#kind)
      this.#host = state.host
      this.host = host
      this.port = port
      adopt(this, state.host, this.#kind)
      await super.connect()
      return this
    }

    /** The library keeps the client, so each statement asks whether its host is still offered. */
    // biome-ignore lint/suspicious/noExplicitAny: pg's overloads leave no narrower type
    override query(...args: any[]): any {
      if (this.#host !== null && !isOffered(this.#host, this.#kind)) destroySocket(this)
      return Reflect.apply(super.query, this, args)
    }
  }
}

function kindOf(host: string | undefined): Kind {
  if (host === undefined || host === 'writer') return 'write'
  if (host === 'reader') return 'read'
  throw refusal(host)
}

/** A connection string may hold a password, so it is not shown. */
const refusal = (host: string) =>
  new TypeError(
    `the host of a driver of pgroute66 is "writer" or "reader"${/^[\w.-]+$/.test(host) ? `, and not "${host}"` : ''}`,
  )
