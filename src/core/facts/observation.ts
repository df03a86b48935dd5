import type {Cause} from '../vocabulary.ts'

/** A WAL position as PostgreSQL prints it: `0/3000148`. */
export type Lsn = string

/**
 * The row of `pg_stat_wal_receiver`, on a standby. Times are ages, measured by the standby's own
 * clock within one statement.
 */
export type Receiver = Readonly<{
  /**
   * `streaming`, `starting`, `stopped` …; `null`: the row is there, but our role may not read it
   * (blind, never "not streaming").
   */
  status: string | null
  senderHost: string | null
  senderPort: number | null
  receivedTimeline: number | null
  lastMessageAgeMs: number | null
  /** When the sender sent that message, by the sender's clock: milliseconds since 1970. */
  lastMessageSentMs: number | null
  /** The end of WAL that the sender last told of. */
  latestEndLsn: Lsn | null
}>

/**
 * A row of `pg_stat_replication`, on the sending side. Columns are `null` where our role may not
 * read them.
 */
export type Sender = Readonly<{
  pid: number
  applicationName: string | null
  clientAddr: string | null
  state: string | null
  syncState: string | null
  replayLsn: Lsn | null
}>

/** One round trip's worth of what a host says about itself. */
export type Facts = Readonly<{
  inRecovery: boolean
  /** The server's own wall clock, milliseconds since 1970; `null`: unknown. */
  clockMs: number | null
  /**
   * Primary: from `pg_walfile_name(pg_current_wal_lsn())`. Standby: `received_tli` while streaming,
   * else `min_recovery_end_timeline`.
   */
  timeline: number | null
  /**
   * A standby without a receiver: the highest timeline of a WAL segment on its disk; `null`: our
   * role may not list them.
   */
  diskTimeline: number | null
  /** Primary: the write position. Standby: the replay position. */
  lsn: Lsn | null
  /** Primary: the position up to which WAL is on its disk. */
  flushLsn: Lsn | null
  /** Standby: the last position received. */
  receiveLsn: Lsn | null
  /** Standby: age of the last replayed transaction's commit. */
  lastReplayAgeMs: number | null
  receiver: Receiver | null
  senders: readonly Sender[]
  readOnly: boolean | null
  /** Standby: recovery_min_apply_delay. `null`: unknown, as always in PostgreSQL 10 and 11. */
  applyDelayMs: number | null
  replayPaused: boolean | null
  backendsUsed: number | null
  backendsMax: number | null
}>

/** What is asked once per session. */
export type SessionFacts = Readonly<{
  /** As a string: it exceeds 2^53. `null`: the server does not tell. */
  systemIdentifier: string | null
  /** `server_version_num`. */
  serverVersion: number
  clusterName: string | null
  /** Start of the postmaster, milliseconds since 1970. */
  startedAt: number | null
  backendPid: number
  /**
   * `backend_start` of our own backend as PostgreSQL prints it; with the pid it names this backend
   * and no other.
   */
  backendStart: string | null
  /** The address that the socket is connected to. */
  remoteAddress: string | null
  /** End of the certificate that the server showed, milliseconds since 1970; absent: it showed none. */
  certificateEndsAt?: number
  /** log_connections is on: the server writes a line per knock. Absent: it is off, or not known. */
  logsKnocks?: true
}>

/** Why there are no facts. */
export type Failure = Readonly<{
  cause: Cause
  detail: string
  /** The server said what only a stopping one says. Absent: it did not. */
  isStopping?: true
  /** The server ended the session by an order of an operator, who may be stopping it. Absent: it did not. */
  isOrdered?: true
}>

/**
 * What one probe saw. `askedAt`: monotonic milliseconds, taken before the question left - a slow
 * answer looks old, not fresh.
 */
export type Observation = Readonly<{host: string; askedAt: number; probeMs: number}> &
  Readonly<{kind: 'facts'; session: SessionFacts; facts: Facts} | ({kind: 'failure'} & Failure)>

/**
 * What a knock - a fresh connection, closed before it authenticates - found. `fine`: the postmaster
 * answers.
 */
export type Knock = Readonly<{askedAt: number}> & Readonly<{kind: 'fine'} | ({kind: 'failure'} & Failure)>

/** What a heartbeat found. `silent`: a lock timeout or the like, which says nothing of the host. */
export type Heartbeat = Readonly<{askedAt: number}> &
  Readonly<
    | {kind: 'beat'}
    | {kind: 'read'; delayMs: number | null}
    | {kind: 'silent'; detail: string}
    | {kind: 'missing'; detail: string}
    | ({kind: 'failure'} & Failure)
  >
