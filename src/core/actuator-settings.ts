import type {PoolRole} from './offers/pools.ts'
import type {ConnectionSettings} from './settings.ts'
import type {VerdictKind} from './vocabulary.ts'

/**
 * The configuration as the actuators use it (DESIGN 9). `config/` makes these values, with every
 * default filled in. All durations are milliseconds.
 */

/** A HAProxy that the daemon pushes to. Sockets: the path of a unix socket, or `host:port`. */
export type HaproxyInstance = Readonly<{
  socket: string
  /** Of the master process. With it, sessions of old workers are cut too. */
  masterSocket: string | null
  backends: Readonly<Record<string, PoolRole>>
}>

export type HaproxySettings = Readonly<{
  /**
   * HAProxy's backend → the role that its servers must have. For the push, and for checks by
   * `HAPROXY_PROXY_NAME`.
   */
  backends: Readonly<Record<string, PoolRole>>
  /** Frontend → the backend that it leads to. A `listen` section needs none: both have one name. */
  frontends: Readonly<Record<string, string>>
  instances: readonly HaproxyInstance[]
  /** How often each actuator is read and corrected, even when nothing changed. */
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
  /** Written unchanged after host, port and dbname: `pool_size=20 auth_user=app`. */
  options: string | null
}>

export type PgbouncerSettings = Readonly<{
  /** The admin console. It takes simple queries only. */
  admin: ConnectionSettings
  /** The file that the daemon writes; `%include` in pgbouncer.ini names it. */
  include: string
  databases: Readonly<Record<string, PgbouncerDatabase>>
  /** The longest time that clients wait during a switch; `null`: no PAUSE. */
  pauseMs: number | null
}>

export type HookSettings = Readonly<{
  /** Verdicts that the hook gets; `null`: all. */
  on: readonly VerdictKind[] | null
  /** Groups that the hook gets events of; `null`: all. */
  groups: readonly string[] | null
  timeoutMs: number
  /** Tries after the first one failed. */
  retries: number
}> &
  Readonly<{kind: 'run'; argv: readonly string[]} | {kind: 'post'; url: string; secretFile: string | null}>

/** All receivers of the verdict. */
export type ActuatorSettings = Readonly<{
  haproxy: HaproxySettings
  agent: AgentSettings | null
  pgbouncer: readonly PgbouncerSettings[]
  hooks: readonly HookSettings[]
}>
