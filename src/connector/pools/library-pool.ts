import type pg from 'pg'
import {ConnectorError} from '../connector-error.ts'
import type {Fleet} from '../fleet.ts'
import type {Kind} from '../kind.ts'
import type {DatabaseSettings} from '../settings.ts'
import type {PgModule} from '../types.ts'
import type {PoolSet} from './pool-set.ts'
import {routedPool} from './routed-pool.ts'

export type LibraryPoolDeps = Readonly<{
  pg: PgModule
  fleet: Fleet
  pools: PoolSet
  settings: DatabaseSettings
  client: (kind: Kind) => Promise<pg.PoolClient>
  read: (query: string | pg.QueryConfig, values: readonly unknown[] | undefined) => Promise<pg.QueryResult>
  /** How many wait for a host. */
  waiting: (kind: Kind) => number
}>

/** A `pg.Pool` over the connections of all hosts for one kind of work. */
export function libraryPool(kind: Kind, deps: LibraryPoolDeps): pg.Pool {
  const {pg, fleet, pools, settings, client, read, waiting} = deps
  return routedPool(pg, {
    kind,
    client: () => client(kind),
    query: kind === 'read' ? read : null,
    counts() {
      const counts = pools.counts(kind)
      return {...counts, waiting: counts.waiting + waiting(kind)}
    },
    options() {
      const writer = kind === 'write' ? fleet.writer : null
      const state = writer === null ? undefined : fleet.state(writer)
      // Kysely cancels a statement on a second connection, by these options. A pid is worth nothing
      // without its host, so the options of a reader lead nowhere.
      if (state === undefined) return {...settings.connection, max: settings.pool.max, Client: NoClient as never}
      return pools.config(state, kind)
    },
    listeners: pools.listeners,
  })
}

class NoClient {
  constructor() {
    throw new ConnectorError('no-reader', 'a connection to a reader is not opened by the options of its pool', {
      next: 'Take a client from connect() of the pool.',
    })
  }
}
