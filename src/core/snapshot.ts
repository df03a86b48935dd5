import type {Lsn, Receiver, Sender} from './facts/observation.ts'
import type {Answer, Cause, Role, Rule, VerdictKind} from './vocabulary.ts'

/** An operator took the host out of rotation. */
export type Drain = Readonly<{since: number; by: string; reason: string | null}>

/**
 * An operator froze every actuator. `until`: wall clock, when it ends by itself; `null`: when
 * somebody ends it.
 */
export type Maintenance = Readonly<{since: number; by: string; reason: string | null; until: number | null}>

/**
 * What one of those that we tell (DESIGN 9) is doing, by its own last report. `pending`: not
 * reached yet. `in-sync`: it does what the verdict says, as verified. `out-of-sync`: it does not,
 * and `problems` say why. `planned`: a dry run has told nothing. `frozen`: maintenance.
 */
export type ActuatorState = Readonly<{
  status: 'pending' | 'in-sync' | 'out-of-sync' | 'planned' | 'frozen'
  /**
   * For an operator, each with what to do; never a secret. They may also accompany `in-sync`: a
   * server that is no host of ours.
   */
  problems: readonly string[]
  /** Wall clock: since when `status` is what it is. */
  since: number
  /** Wall clock: when it was last verified. */
  verifiedAt: number | null
}>

/**
 * One host as of one moment. Monotonic times (`askedAt`) are this process's; wall times (`since`,
 * `startedAt`) are milliseconds since 1970, for display only.
 */
export type HostState = Readonly<{
  host: string
  role: Role
  cause: Cause | null
  /** In words, for an operator; never a secret, never a line of the config. */
  detail: string | null
  blind: boolean
  /** Wall clock: since when `role` (and `cause`) are what they are. */
  since: number
  /** Monotonic. `null`: never asked. */
  askedAt: number | null
  address: string
  port: number
  groups: readonly string[]
  location: string | null
  drained: Drain | null
  serverVersion: number | null
  clusterName: string | null
  systemIdentifier: string | null
  startedAt: number | null
  timeline: number | null
  lsn: Lsn | null
  /** `null`: unknown, which no limit admits. */
  lagBytes: number | null
  lagMs: number | null
  /**
   * The host of the group that this standby streams from, by name; else the address it names; else
   * `null`.
   */
  upstream: string | null
  receiver: Receiver | null
  senders: readonly Sender[]
  /** From the row of the host that it streams from. */
  replicationState: string | null
  syncState: string | null
  readOnly: boolean | null
  replayPaused: boolean | null
  backendsUsed: number | null
  backendsMax: number | null
  probeMs: number | null
  /** End-to-end delay by heartbeat; `null` when `availability` is off or nothing is known. */
  availability: Availability | null
}>

/**
 * What the heartbeat says of a host. `delayMs`: age of the newest heartbeat row that the host
 * shows, as of `askedAt`.
 */
export type Availability = Readonly<
  {kind: 'ok'; delayMs: number; askedAt: number} | {kind: 'unknown'; why: string; askedAt: number}
>

/** What one source says about who is primary. */
export type Evidence = Readonly<{
  source: string
  subject: string | null
  answer: Answer
  /** The source names a leader that SQL shows to be in recovery. */
  contradictsSql: boolean
  required: boolean
  why: string
  /** Monotonic: when the oldest question behind it was sent. */
  askedAt: number | null
}>

export type Verdict = Readonly<{
  kind: VerdictKind
  rule: Rule
  /** The one host that is primary, also where it is not routed to (unconfirmed, drained). */
  primary: string | null
  /** All hosts that are primary, sorted. */
  primaries: readonly string[]
  /** The host that may be written to, or `null`: none. */
  routedTo: string | null
  /** Split brain only: the host that looks stale. */
  suspect: string | null
  /** Hosts that cannot be judged for a reason that is ours to mend. */
  blind: readonly string[]
  why: string
  /** Wall clock. */
  since: number
}>

export type GroupState = Readonly<{
  name: string
  hosts: readonly string[]
  verdict: Verdict
  evidence: readonly Evidence[]
}>

/**
 * Everything that is known at one moment; immutable. Consumers read this and never ask a host
 * anything.
 */
export type Snapshot = Readonly<{
  epoch: string
  sequence: number
  /** Wall clock, milliseconds. */
  at: number
  /** The first full round is done. */
  ready: boolean
  version: string
  /** Observations older than this are stale. */
  maxAgeMs: number
  groups: Readonly<Record<string, GroupState>>
  hosts: Readonly<Record<string, HostState>>
  /** Whom we tell, by name. */
  actuators: Readonly<Record<string, ActuatorState>>
  maintenance: Maintenance | null
}>

export type ChangeKind = 'role' | 'verdict' | 'evidence' | 'drain' | 'actuator' | 'config'
export type Change = Readonly<{
  kind: ChangeKind
  group: string | null
  host: string | null
  from: string | null
  to: string | null
  rule: Rule | null
  why: string
  /**
   * A switch that was followed to its end (kind `actuator`): stage or target → milliseconds after
   * it was seen.
   */
  stages?: Readonly<Record<string, number>>
}>

/**
 * What a subscriber is told. `changes` is empty when only LSNs, lags and counters moved (a
 * "sample").
 */
export type Publication = Readonly<{
  changes: readonly Change[]
  snapshot: Snapshot
  /** Monotonic: when that which changed came in. Unknown where snapshots come from a daemon. */
  seenAt?: number
}>
