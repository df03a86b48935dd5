import {flag, list, mapOf, number, numberOrUnknown, type Reader, record, text} from './reader.ts'
import type {State, Tags} from './status.ts'

/**
 * A member as the DCS knows it. Nothing here says how old it is, and a member that froze stays as
 * it was until its ttl has passed: show it, and decide nothing by it. `lag` is 0 also for a standby
 * that does not stream, and for a second primary. (Both seen on 3.0.2.)
 */
export type ClusterMember = Readonly<{
  name: string
  /** `leader`, `replica`, `sync_standby`, `quorum_standby`, `standby_leader` */
  role: string
  /** `streaming` and `in archive recovery` from 3.0.4 on. */
  state: State
  api_url?: string
  host?: string
  port?: number | string
  timeline?: number
  /** Bytes. `unknown`: the member has no position. */
  lag?: number | 'unknown'
  lsn?: string
  receive_lsn?: string
  receive_lag?: number | 'unknown'
  replay_lsn?: string
  replay_lag?: number | 'unknown'
  pending_restart?: boolean
  pending_restart_reason?: Readonly<Record<string, unknown>>
  scheduled_restart?: Readonly<Record<string, unknown>>
  tags?: Tags
  [field: string]: unknown
}>

export type ScheduledSwitchover = Readonly<{
  /** ISO 8601 with its time zone. */
  at?: string
  from?: string
  to?: string
  [field: string]: unknown
}>

/** GET /cluster. `scope` came with 4.1. */
export type Cluster = Readonly<{
  members: readonly ClusterMember[]
  scope?: string
  pause?: boolean
  scheduled_switchover?: ScheduledSwitchover
  [field: string]: unknown
}>

const anything: Reader<Readonly<Record<string, unknown>>> = record([], {})
const port: Reader<number | string> = (value, at) => (typeof value === 'string' ? value : number(value, at))

const member = record<ClusterMember>(['name', 'role', 'state'], {
  name: text,
  role: text,
  state: text,
  api_url: text,
  host: text,
  port,
  timeline: number,
  lag: numberOrUnknown,
  lsn: text,
  receive_lsn: text,
  receive_lag: numberOrUnknown,
  replay_lsn: text,
  replay_lag: numberOrUnknown,
  pending_restart: flag,
  pending_restart_reason: anything,
  scheduled_restart: anything,
  tags: mapOf((value) => value),
})

/** Throws `Mismatch`. */
export const readCluster: Reader<Cluster> = record<Cluster>(['members'], {
  members: list(member),
  scope: text,
  pause: flag,
  scheduled_switchover: record<ScheduledSwitchover>([], {at: text, from: text, to: text}),
})
