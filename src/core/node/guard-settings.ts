import type {PeerSettings} from '../settings.ts'

/** What one set of users gets at the moment: their own method of pg_hba.conf, or its refusal. */
export type Gate = 'allow' | 'deny'

/** The two gates of a host, which stand in one block of its pg_hba.conf. */
export type Gates = Readonly<{readWrite: Gate; readOnly: Gate}>

export const shut: Gates = {readWrite: 'deny', readOnly: 'deny'}

/** What the block is about: who is gated, from where, and the two methods. Words of pg_hba.conf. */
export type GateRules = Readonly<{
  databases: readonly string[]
  readWrite: readonly string[]
  readOnly: readonly string[]
  /** CIDR addresses, `all`, `samehost`, `samenet`, or `local` for the unix socket. */
  addresses: readonly string[]
  /** Methods with their options: `scram-sha-256`, `reject`. */
  allow: string
  deny: string
  /** Lines that harepd wrote for these users and addresses are removed. Absent: they stay. */
  replacesHarepd?: true
}>

/**
 * The guard of this host's pg_hba.conf. `config/` makes it of the section `guard`, and the reader of
 * harepd's file makes it, too. All durations are milliseconds.
 */
export type GuardSettings = Readonly<{
  /** `null`: the file that PostgreSQL names (SHOW hba_file). */
  hbaFile: string | null
  rules: GateRules
  intervalMs: number
  /** An allow ends so long after the oldest question behind it was sent. */
  leaseMs: number
  /** For one pass: what has not come by then counts as silent, and a pass that takes longer denies. */
  deadlineMs: number
  /** End the gated users' sessions when their gate shuts. */
  terminate: boolean
  /** Of a standby: its read-only users may come in. */
  allowReadOnly: boolean
  /** `any`: harepd's own rule, which opens both halves of some partitions. */
  quorum: 'majority' | 'any'
  neighbours: readonly PeerSettings[]
  /** It counts only where the number of data nodes is even. */
  witness: PeerSettings | null
  fence: 'none' | 'nft' | 'stop'
  onWriteFailure: 'alarm' | 'stop'
  /** The unix socket of /v1/guard, /metrics and /livez. */
  socket: string
}>

/**
 * For how long an answer counts: what it allows is written, and has ended, within the lease even
 * where the next pass is the first to miss it.
 */
export const answersCountFor = ({leaseMs, intervalMs, deadlineMs}: GuardTiming): number =>
  leaseMs - intervalMs - deadlineMs

export type GuardTiming = Pick<GuardSettings, 'leaseMs' | 'intervalMs' | 'deadlineMs'>

/**
 * The shortest lease that one lost answer does not end (NODESIDE 4), and in which an answer counts for
 * longer than the next one takes.
 */
export const shortestLease = ({intervalMs, deadlineMs}: Omit<GuardTiming, 'leaseMs'>): number =>
  Math.max(3 * intervalMs + deadlineMs, 2 * (intervalMs + deadlineMs))
