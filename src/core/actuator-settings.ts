import type {PoolRole} from './offers/pools.ts'
import type {ConnectionSettings} from './settings.ts'
import type {VerdictKind} from './vocabulary.ts'

/**
 * What the actuators need to know of the configuration (DESIGN 9). `config/` makes these values,
 * fully defaulted. All durations are milliseconds.
 */

/** One HAProxy that is pushed. `socket`, `masterSocket`: a unix socket's path, or `host:port`. */
export type HaproxyInstance = Readonly<{
  socket: string
  /** The master process' socket: with it, sessions of old workers are cut too. */
  masterSocket: string | null
  backends: Readonly<Record<string, PoolRole>>
}>

export type HaproxySettings = Readonly<{
  /**
   * HAProxy's backend → what its servers are asked for: for the push, and for checks by
   * `HAPROXY_PROXY_NAME`.
   */
  backends: Readonly<Record<string, PoolRole>>
  instances: readonly HaproxyInstance[]
  /** Every target is read and put right so often, also when nothing changed. */
  resyncMs: number
}>

/** The TCP port of HAProxy's agent-check. */
export type AgentSettings = Readonly<{bind: string; port: number}>

export type PgbouncerDatabase = Readonly<{
  role: PoolRole
  /** `null`: all groups, when there is only one. */
  group: string | null
  /** The database on the server; `null`: the same name. */
  dbname: string | null
  /** Written after host, port and dbname as it stands: `pool_size=20 auth_user=app`. */
  options: string | null
}>

export type PgbouncerSettings = Readonly<{
  /** The admin console; simple queries only. */
  admin: ConnectionSettings
  /** The file that is ours to write, named by `%include` in pgbouncer.ini. */
  include: string
  databases: Readonly<Record<string, PgbouncerDatabase>>
  /** Clients wait for at most so long during a switch; `null`: no PAUSE. */
  pauseMs: number | null
}>

export type HookSettings = Readonly<{
  /** Verdicts that are told; `null`: all. */
  on: readonly VerdictKind[] | null
  /** Groups that are told of; `null`: all. */
  groups: readonly string[] | null
  timeoutMs: number
  /** Tries after the first one failed. */
  retries: number
}> &
  Readonly<{kind: 'run'; argv: readonly string[]} | {kind: 'post'; url: string; secretFile: string | null}>

/** All that is told what the verdict is. */
export type ActuatorSettings = Readonly<{
  haproxy: HaproxySettings
  agent: AgentSettings | null
  pgbouncer: readonly PgbouncerSettings[]
  hooks: readonly HookSettings[]
}>
