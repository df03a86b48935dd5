import type pg from 'pg'
import type {SnapshotSource} from '../core/ports.ts'
import type {Verdict} from '../core/snapshot.ts'
import type {Role} from '../core/vocabulary.ts'
import type {ConnectorEvents} from './events.ts'
import type {Kind} from './kind.ts'

/** The driver: the application's copy of `pg`, or the one of this package. */
export type PgModule = typeof pg
/** `500ms`, `5s`, `1m30s`; `0`: none. */
export type Duration = string | 0
/** `64kB`, `16MB`, in steps of 1024. */
export type Size = string

/** A position in the history of a cluster: text for a cookie or a header, `[\w.~-]{1,64}`. */
export type Token = string

export type ConnectOptions = Readonly<{
  /**
   * Exactly one of three. A monitor of this process, from a configuration file or from the same tree
   * as an object.
   */
  config?: string | object
  /** A running daemon: its URL, or the path of its unix socket. `ca`: PEM of the authority to believe. */
  daemon?: string | Readonly<{url: string; ca?: string} | {socket: string}>
  /** A source that is shared. `close` leaves it open. */
  source?: SnapshotSource
  /** By name; default: one, named `default`. */
  databases?: Readonly<Record<string, DatabaseOptions>>
  /** The application's copy of `pg`; default: the one of this package. */
  pg?: PgModule
  /** How long `connect` waits for the first full round; default `5s`. */
  patience?: Duration
  signal?: AbortSignal
}>

export type DatabaseOptions = Readonly<{
  /** Default: the only group. */
  group?: string
  /** The login of the application. It is never the monitor's. */
  connection?: Readonly<Omit<pg.ClientConfig, 'host' | 'port' | 'connectionString'>>
  /** Another address of a host, as seen from here. */
  hosts?: Readonly<Record<string, Readonly<Partial<pg.ClientConfig>>>>
  /** For each host and kind. Defaults: 10, 0, 30,000, 0, 3,000. */
  pool?: Readonly<{
    max?: number
    min?: number
    idleTimeoutMillis?: number
    maxLifetimeSeconds?: number
    connectionTimeoutMillis?: number
  }>
  read?: Readonly<{
    /** Default `least-busy`. */
    choose?: 'least-busy' | 'random' | 'fastest' | ((candidates: readonly Node[]) => Node)
    /** A standby that is further behind gets no reads. Default: no limit. */
    maxLag?: Size | Duration
    /** Hosts there come first. */
    location?: string
    /** When no standby may serve. Default: `read_fallback` of the group, `primary` with a daemon. */
    fallback?: 'primary' | 'any' | 'none'
    /** Connections for reads on the primary; default: `pool.max`. */
    fallbackMax?: number
    /** How long a read waits for a host and a connection; default `5s`. */
    wait?: Duration
    /** After this time without an answer another standby is asked too; default: never. */
    hedge?: Duration | false
  }>
  write?: Readonly<{
    /** How long a write waits for a writer and a connection; default `10s`. */
    wait?: Duration
    /** How many writes may wait for a writer; default 1,000. */
    maxWaiting?: number
    /** How many connections are opened to a host at once; default 4. Holds for reads too. */
    opening?: number
  }>
}>

export interface Connector extends AsyncDisposable {
  /** Default: `default`, or the only database. Throws OperatorError on an unknown name. */
  use(name?: string): Database
  readonly names: readonly string[]
  /**
   * Gives a monitor of this process its new configuration. Hosts that did not change keep their
   * connections. Rejects with OperatorError where there is no such monitor.
   */
  reload(config: string | object): Promise<void>
  /**
   * No new work is taken. Clients that are out are waited for, up to `grace` (default `10s`), and
   * then cut. Idempotent.
   */
  close(options?: Readonly<{grace?: Duration}>): Promise<void>
}

/** A result of pg, with the host that gave it, and how many hosts were asked. */
export type Routed<R extends pg.QueryResultRow> = pg.QueryResult<R> &
  Readonly<{
    host: string
    attempts: number
    /**
     * After a write that asked for one; absent where the connection was lost before it could be had.
     * After a read with `after`: `forked` where the timeline has changed since the token was made,
     * so that the write that it covers may be lost.
     */
    token?: Token
  }>

export type ReadOptions = Readonly<{
  /** The read shows what was committed before this token was made. It is not hedged. */
  after?: Token
  maxLag?: Size | Duration
  /** Reads from this host alone. */
  from?: string
  fallback?: 'primary' | 'any' | 'none'
  signal?: AbortSignal
}>
export type WriteOptions = Readonly<{
  /** The result has a token that covers the write. */
  token?: boolean
  wait?: Duration
  signal?: AbortSignal
}>
export type TransactionOptions = Readonly<{
  isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readOnly?: boolean
  /** With `readOnly`: on a host that has reached the token. */
  after?: Token
  signal?: AbortSignal
}>

export interface Database {
  readonly name: string
  /** Runs on a reader, in a read-only session, and is repeated elsewhere where the host is lost. */
  // biome-ignore lint/suspicious/noExplicitAny: as pg's own types, rows are what the statement makes them
  read<R extends pg.QueryResultRow = any>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
    options?: ReadOptions,
  ): Promise<Routed<R>>
  /** Runs on the writer. It is never sent again once its first byte was sent, but where the server refused it. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  write<R extends pg.QueryResultRow = any>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
    options?: WriteOptions,
  ): Promise<Routed<R>>
  /** Never repeated. A lost COMMIT is `outcome: 'unknown'`; a loss before it, `'not-done'`. */
  transaction<T>(run: (client: pg.PoolClient) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** A session of one host, for as long as the caller keeps it. */
  client(kind: Kind, options?: Readonly<{after?: Token; signal?: AbortSignal}>): Promise<pg.PoolClient & Disposable>
  /** Covers every commit that was acknowledged before the call. */
  token(): Promise<Token>
  /**
   * Listens on the writer, and on the next one after a switch; takes one connection of its pool.
   * `onGap`: notifications may have been missed.
   */
  listen(
    channel: string,
    on: (payload: string) => void,
    options?: Readonly<{onGap?: () => void}>,
  ): Promise<AsyncDisposable>
  /** For libraries that take a pool. */
  readonly writer: pg.Pool
  readonly reader: pg.Pool
  /** For libraries that take the module `pg`. `host` of their configuration is `writer` or `reader`. */
  readonly driver: PgModule
  node(name: string | Readonly<{host: string; port: number}>): Node
  readonly nodes: readonly Node[]
  /** As of now. */
  readonly verdict: Verdict
  /** The returned function takes the listener off. */
  on<E extends keyof ConnectorEvents>(event: E, listener: (event: ConnectorEvents[E]) => void): () => void
}

/** One host, as this database uses it. Counts begin with the connector. */
export interface Node {
  readonly name: string
  readonly role: Role
  readonly location: string | null
  readonly queries: number
  /** Statements that failed: refused by the server, or lost. */
  readonly errors: number
  /** Connections that could not be opened, or were lost. */
  readonly connectionErrors: number
  readonly inFlight: number
  /** Why reads avoid the host until the next answer of the monitor; `null`: they do not. */
  readonly suspect: string | null
  readonly lagBytes: number | null
  /** The application's own switch; `false` takes the host out of use in this process. */
  online: boolean
  /** `online = false`, then waits until no statement runs there; what runs after `grace` is cut. */
  drain(grace?: Duration): Promise<void>
}
