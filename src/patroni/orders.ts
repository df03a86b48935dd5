/** Bodies of orders, with Patroni's own names. Fields of later versions pass as they are. */
export type SwitchoverOrder = Readonly<{
  /** The present leader: Patroni refuses (412) where another member leads by now. */
  leader: string
  /** Absent: Patroni chooses. */
  candidate?: string
  /** ISO 8601 with its time zone. A second one silently replaces the first. */
  scheduled_at?: string
  [field: string]: unknown
}>

export type FailoverOrder = Readonly<{candidate: string; [field: string]: unknown}>

export type RestartOrder = Readonly<{
  /** ISO 8601 with its time zone: the answer is 202. */
  schedule?: string
  /** Restart only with this role: `primary` (4.0) or `master` (before), `replica`, `standby_leader`. */
  role?: string
  /** Restart only below this version: `15.4`. */
  postgres_version?: string
  /** Seconds. */
  timeout?: number | string
  /** Only with a pending restart. */
  restart_pending?: boolean
  [field: string]: unknown
}>

export type ReinitializeOrder = Readonly<{
  /** Also while one is running. */
  force?: boolean
  'from-leader'?: boolean
  [field: string]: unknown
}>
