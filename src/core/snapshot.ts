import type {Lsn, Receiver, Sender} from './facts/observation.ts'
import type {ConfigInForce} from './settings.ts'
import type {Situation} from './verdict/situation.ts'
import type {Answer, Cause, Rule} from './vocabulary.ts'

/** An operator took the host out of rotation. */
export type Drain = Readonly<{since: number; by: string; reason: string | null}>

/**
 * An operator froze every actuator. `until`: wall clock, when the maintenance ends by itself;
 * `null`: when an operator ends it.
 */
export type Maintenance = Readonly<{since: number; by: string; reason: string | null; until: number | null}>

/**
 * A planned switch of a group is under way: its writers wait while `from` is the host to write to.
 * `to`: the host that shall take over; `null`: the HA tool chooses. `until`: wall clock, the end at
 * the latest.
 */
export type Hold = Readonly<{
  id: string
  group: string
  from: string
  to: string | null
  since: number
  until: number
  by: string
}>

/**
 * What one actuator says of a hold (`id`). `waiting`: transactions or sessions are still open, and
 * `why` names them. `held`: no client of the group reaches a server. `impossible`: clients cannot be
 * held here, and `why` says what to do. `unconcerned`: no client of the group comes this way.
 */
export type HeldState = Readonly<{
  id: string
  status: 'waiting' | 'held' | 'impossible' | 'unconcerned'
  why: readonly string[]
}>

/**
 * What one actuator (DESIGN 9) does, by its own last report. `pending`: not reached yet. `in-sync`:
 * the actuator follows the verdict, as verified. `out-of-sync`: it does not, and `problems` say
 * why. `planned`: a dry run changes nothing. `frozen`: maintenance.
 */
export type ActuatorState = Readonly<{
  status: 'pending' | 'in-sync' | 'out-of-sync' | 'planned' | 'frozen'
  /**
   * For an operator, each with what to do; never a secret. They may also accompany `in-sync`: a
   * server in HAProxy that is not a configured host.
   */
  problems: readonly string[]
  /** Wall clock: since when `status` is what it is. */
  since: number
  /** Wall clock: when the actuator was last verified. */
  verifiedAt: number | null
  /** Absent: no hold concerns this actuator, or a daemon tells it. */
  held?: HeldState
}>

/**
 * One host as of one moment; fields of a role exist only in that role. Monotonic times (`askedAt`)
 * are this process's; wall times (`since`, `startedAt`) are milliseconds since 1970, for display
 * only.
 */
export type HostState = PrimaryHost | StandbyHost | UnavailableHost

/**
 * What recovery_min_apply_delay asks of a standby. `isReadable`: readers get the host all the same
 * (`hosts.x.delayed: read`).
 */
export type Delay = Readonly<{delayMs: number; isReadable: boolean}>

export type PrimaryHost = Readonly<{role: 'primary'}> & AnyHost & AnsweringHost

export type StandbyHost = Readonly<{
  role: 'standby'
  /** `null`: unknown, which no limit admits. */
  lagBytes: number | null
  lagMs: number | null
  /**
   * The host of the group that this standby streams from, by name; else the address it names; else
   * `null`.
   */
  upstream: string | null
  receiver: Receiver | null
  /** The last position received; `null`: unknown, or from a daemon. */
  receiveLsn: Lsn | null
  /** From the row of the host that it streams from. */
  replicationState: string | null
  syncState: string | null
  replayPaused: boolean | null
  /** The standby replays late on purpose. `null`: it does not, or it cannot tell. */
  delayed: Delay | null
}> &
  AnyHost &
  AnsweringHost

export type UnavailableHost = Readonly<{
  role: 'unavailable'
  /** `null`: not asked yet. */
  cause: Cause | null
  /** For an operator; never a secret, never a line of the config. */
  detail: string | null
  /** The cause lies on our side, and the operator can fix it (credentials, TLS, DNS). */
  blind: boolean
}> &
  AnyHost

/** What is known of every host, whether it answers or not. */
export type AnyHost = Readonly<{
  host: string
  /** Wall clock: since when `role` (and the cause of an unavailable host) are what they are. */
  since: number
  /** Monotonic. `null`: never asked. */
  askedAt: number | null
  address: string
  /** Every address under which a load balancer may name the host; some have a port of their own. */
  addresses: readonly string[]
  port: number
  groups: readonly string[]
  location: string | null
  drained: Drain | null
  // Who the host is stays worth showing after it has stopped answering.
  serverVersion: number | null
  clusterName: string | null
  systemIdentifier: string | null
  startedAt: number | null
  probeMs: number | null
  /** End-to-end delay by heartbeat; `null` when `availability` is off or nothing is known. */
  availability: Availability | null
}>

/** What only a host that answers can say: its last answer is fresh. */
type AnsweringHost = Readonly<{
  timeline: number | null
  lsn: Lsn | null
  /** A standby has them too, in a cascade. */
  senders: readonly Sender[]
  readOnly: boolean | null
  backendsUsed: number | null
  backendsMax: number | null
}>

/** Why the host is unavailable; `null`: it answers, or was not asked yet. */
export const causeOf = (host: HostState): Cause | null => (host.role === 'unavailable' ? host.cause : null)

/** `null`: the host does not answer, or cannot tell. */
export const timelineOf = (host: HostState): number | null => (host.role === 'unavailable' ? null : host.timeline)

/**
 * What the heartbeat says of a host. `delayMs`: age of the newest heartbeat row that the host
 * shows, as of `askedAt`.
 */
export type Availability = Readonly<
  {kind: 'ok'; delayMs: number; askedAt: number} | {kind: 'unknown'; why: string; askedAt: number}
>

/** What one source says about which host is primary. */
export type Evidence = Readonly<{
  source: string
  subject: string | null
  answer: Answer
  /** The source names a leader that SQL shows to be in recovery. */
  contradictsSql: boolean
  /** Monotonic: since when it does; absent: it does not, or a daemon tells it. */
  contradictsSince?: number
  /** It has contradicted SQL for longer than a promotion takes. */
  isAtOdds?: boolean
  required: boolean
  why: string
  /** Monotonic: when the oldest question behind it was sent. */
  askedAt: number | null
}>

/** What the judge says of one group. */
export type Verdict = Decision &
  Readonly<{
    /** All hosts that are primary, sorted. */
    primaries: readonly string[]
    /** Hosts that cannot be judged for a reason on our side, which the operator can fix. */
    blind: readonly string[]
    /** The name of the ruling, as people read it. */
    situation: Situation
    /** Wall clock. */
    since: number
  }>

/**
 * Which rule decided, and what follows from the rule. Consumers ask every verdict for `primary` and
 * `routedTo`, so every kind has the two; a kind that can have none gives them the type `null`.
 * `primary`: the one host that is primary, also where it is not routed to (unconfirmed, drained).
 * `routedTo`: the host that may be written to, or `null`: none.
 */
export type Decision = Readonly<{why: string}> &
  Readonly<
    | {kind: 'starting'; rule: 'V0'; primary: null; routedTo: null}
    /**
     * `routedTo` only by `on_split_brain: follow-evidence`. `suspect`: the host that looks stale.
     */
    | {kind: 'split-brain'; rule: 'V1'; primary: null; routedTo: string | null; suspect: string | null}
    | {kind: 'unconfirmed'; rule: 'V2'; primary: string; routedTo: null}
    /** `primary` is `null` where two hosts answered as primary, but not at overlapping times. */
    | {kind: 'unconfirmed'; rule: 'V3'; primary: string | null; routedTo: null}
    /** `routedTo` is `null` while the primary is drained. */
    | {kind: 'primary'; rule: 'V4'; primary: string; routedTo: string | null}
    | {kind: 'no-primary'; rule: 'V5'; primary: null; routedTo: null}
  >

/**
 * Of a shared group: the instance that tells of it, and how many owners the group had. `isStandingIn`: the
 * instance is not the owner; it probes as well, and does not hear the owner.
 */
export type GroupOwner = Readonly<{instance: string; epoch: number; isStandingIn?: true}>

export type GroupState = Readonly<{
  name: string
  hosts: readonly string[]
  verdict: Verdict
  evidence: readonly Evidence[]
  /** Absent: the group is not shared. `null`: no instance tells of it. */
  owner?: GroupOwner | null
}>

/**
 * Everything that is known at one moment; immutable. Consumers read the snapshot and never ask a
 * host.
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
  /** By name. */
  actuators: Readonly<Record<string, ActuatorState>>
  maintenance: Maintenance | null
  /** `null` or absent: no planned switch is under way. */
  hold?: Hold | null
  /** `null` or absent: not known. */
  config?: ConfigInForce | null
}>

export type ChangeKind = 'role' | 'verdict' | 'evidence' | 'drain' | 'actuator' | 'config' | 'order'
export type Change = Readonly<{
  kind: ChangeKind
  group: string | null
  host: string | null
  from: string | null
  to: string | null
  rule: Rule | null
  /** Of a verdict; absent: another kind, or a daemon of an earlier version. */
  situation?: Situation
  why: string
  /**
   * A switch that every actuator has followed (kind `actuator`): stage or actuator → milliseconds
   * after the monitor saw the cause.
   */
  stages?: Readonly<Record<string, number>>
}>

/**
 * What a subscriber gets. `changes` is empty when only LSNs, lags and counters moved (a
 * "sample").
 */
export type Publication = Readonly<{
  changes: readonly Change[]
  snapshot: Snapshot
  /** Monotonic: when the monitor received the cause of the changes. Absent from a daemon. */
  seenAt?: number
}>
