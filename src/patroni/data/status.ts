import {flag, list, mapOf, number, orNull, type Reader, record, text} from './reader.ts'

/** Patroni's own names; those that this version does not know pass as they are. */
export type Role =
  | 'primary'
  | 'replica'
  | 'standby_leader'
  | 'demoted'
  | 'promoted'
  | 'uninitialized'
  | (string & Record<never, never>)

/** Of PostgreSQL, as Patroni sees it. */
export type State =
  | 'running'
  | 'starting'
  | 'stopping'
  | 'stopped'
  | 'crashed'
  | 'start failed'
  | 'stop failed'
  | 'restarting'
  | 'restart failed'
  | 'creating replica'
  | 'unknown'
  | (string & Record<never, never>)

/** Positions in bytes of WAL. A primary has `location`; a standby has the others. */
export type Xlog = Readonly<{
  location?: number
  received_location?: number
  replayed_location?: number
  /** `null`: nothing was replayed yet. */
  replayed_timestamp?: string | null
  paused?: boolean
  [field: string]: unknown
}>

/** A standby that streams from this member. */
export type Replication = Readonly<{
  usename?: string
  application_name?: string
  client_addr?: string | null
  state?: string
  sync_state?: string
  sync_priority?: number
  [field: string]: unknown
}>

export type Tags = Readonly<Record<string, unknown>>

/**
 * What a member says about itself: the body of GET /patroni and of every health check, whatever its
 * status code. A field that Patroni leaves out is absent, not null. Fields that are not listed here
 * are kept. Version 0.90 has no `timeline`, `replication` and `dcs_last_seen`; `patroni.name` came
 * with 3.2.
 */
export type Status = Readonly<{
  state: State
  /** `master` (before 4.0) is told as `primary`. */
  role: Role
  /** As it came. */
  raw_role: string
  postmaster_start_time?: string | null
  server_version?: number
  xlog?: Xlog
  timeline?: number | null
  replication?: readonly Replication[]
  /** `streaming`, `in archive recovery` (3.0.4). */
  replication_state?: string | null
  sync_standby?: boolean
  quorum_standby?: boolean
  pause?: boolean
  /** No member holds the lock, as far as this one knows. */
  cluster_unlocked?: boolean
  failsafe_mode_is_active?: boolean
  /** Whole seconds since 1970, by this member's clock: when it last read the DCS. */
  dcs_last_seen?: number
  tags?: Tags
  pending_restart?: boolean
  pending_restart_reason?: Readonly<Record<string, unknown>>
  scheduled_restart?: Readonly<Record<string, unknown>>
  database_system_identifier?: string
  patroni?: Readonly<{version?: string; scope?: string; name?: string; [field: string]: unknown}>
  [field: string]: unknown
}>

const anything: Reader<Readonly<Record<string, unknown>>> = record([], {})

const fields = record<Status>(['state', 'role'], {
  state: text,
  role: text,
  postmaster_start_time: orNull(text),
  server_version: number,
  xlog: record<Xlog>([], {
    location: number,
    received_location: number,
    replayed_location: number,
    replayed_timestamp: orNull(text),
    paused: flag,
  }),
  timeline: orNull(number),
  replication: list(
    record<Replication>([], {
      usename: text,
      application_name: text,
      client_addr: orNull(text),
      state: text,
      sync_state: text,
      sync_priority: number,
    }),
  ),
  replication_state: orNull(text),
  sync_standby: flag,
  quorum_standby: flag,
  pause: flag,
  cluster_unlocked: flag,
  failsafe_mode_is_active: flag,
  dcs_last_seen: number,
  tags: mapOf((value) => value),
  pending_restart: flag,
  pending_restart_reason: anything,
  scheduled_restart: anything,
  database_system_identifier: text,
  patroni: record<NonNullable<Status['patroni']>>([], {version: text, scope: text, name: text}),
})

/** Patroni before 4.0 says `master`. */
export const normalised = (role: string): Role => (role === 'master' ? 'primary' : role)

/** Throws `Mismatch`. */
export const readStatus: Reader<Status> = (value, at) => {
  const status = fields(value, at)
  return {...status, role: normalised(status.role), raw_role: status.role}
}
