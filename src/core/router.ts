import type {PoolRole} from './offers/pools.ts'
import type {VerdictKind} from './vocabulary.ts'

/**
 * A server of HAProxy. `up`: HAProxy opens new connections to it. `drain`: none, and open ones stay.
 * `maint`: stopped by an administrator, which the daemon is too. `down`: a check failed.
 */
export type RouterServer = Readonly<{
  backend: string
  role: PoolRole
  server: string
  /** The host that it is; `null`: it matches none, or two. */
  host: string | null
  address: string | null
  port: number
  state: 'up' | 'starting' | 'drain' | 'stopping' | 'maint' | 'down'
  /** Open sessions. */
  sessions: number
}>

/** A database of PgBouncer, as PgBouncer has it now. */
export type RouterDatabase = Readonly<{
  name: string
  role: PoolRole
  /** The group in the configuration; `null`: none is named. */
  group: string | null
  /** Where it leads; `null`: nowhere, or PgBouncer has no such database. */
  leadsTo: Readonly<{host: string; port: number}> | null
  /** The hosts there, by name. */
  hosts: readonly string[]
  paused: Readonly<{by: 'pgroute66' | 'another'}> | null
  isDisabled: boolean
  /** Server connections, idle ones included; `null`: PgBouncer does not say. */
  connections: number | null
}>

/** What a router showed when an actuator last read it. */
export type RouterReading = Readonly<
  {kind: 'haproxy'; servers: readonly RouterServer[]} | {kind: 'pgbouncer'; databases: readonly RouterDatabase[]}
>

/** The last question of one HAProxy for one server, over agent-check. `askedAt`: wall clock. */
export type AgentAsked = Readonly<{client: string; question: string; answer: string; askedAt: number}>

/**
 * One router or hook. `readAt`: wall clock; `null`: the daemon has not reached it yet, or does not
 * read it in a maintenance. The status is in `Snapshot.actuators`, by name; an agent has none.
 */
export type Router = Readonly<{name: string}> &
  Readonly<
    | {kind: 'haproxy'; readAt: number | null; servers: readonly RouterServer[]}
    | {kind: 'pgbouncer'; readAt: number | null; databases: readonly RouterDatabase[]}
    | {kind: 'agent'; questions: readonly AgentAsked[]}
    /** `waiting`: events in the queue, the one that is being delivered included. `lost`: since the start. */
    | {kind: 'hook'; waiting: number; lost: number; on: readonly VerdictKind[] | null}
  >

/** Tells what it knows of its routers now. Never waits for one. */
export type RouterSource = Readonly<{routers(): readonly Router[]}>
