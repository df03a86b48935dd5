import {
  type ActuatorState,
  type Change,
  causeOf,
  type Evidence,
  type GroupOwner,
  type GroupState,
  type Hold,
  type HostState,
  type Maintenance,
  type Snapshot,
  timelineOf,
  type Verdict,
} from '../core/snapshot.ts'
import {suspectOf} from '../core/verdict/verdict-kind.ts'
import type {Answer, Cause, Role, Rule, VerdictKind} from '../core/vocabulary.ts'

/**
 * The shapes of API.md: snake_case, units in names, unknown is `null` and never left out, keys in
 * the documented order. Monotonic times mean nothing outside of the process that took them, so they
 * travel as ages, counted at `at`.
 */
export type WireHost = Readonly<{
  role: Role
  cause: Cause | null
  detail: string | null
  blind: boolean
  since: string
  asked_at: string | null
  age_ms: number | null
  address: string
  port: number
  groups: readonly string[]
  location: string | null
  drained: Readonly<{since: string; by: string; reason: string | null}> | null
  server_version: number | null
  cluster_name: string | null
  system_identifier: string | null
  started_at: string | null
  timeline: number | null
  lsn: string | null
  lag_bytes: number | null
  lag_ms: number | null
  upstream: string | null
  receiver_state: string | null
  replication_state: string | null
  sync_state: string | null
  read_only: boolean | null
  replay_paused: boolean | null
  backends_used: number | null
  backends_max: number | null
  probe_ms: number | null
  availability: WireAvailability | null
  /** Absent: an earlier version. `delay_ms`: recovery_min_apply_delay; `read`: readers get the host. */
  delayed?: Readonly<{delay_ms: number; read: boolean}> | null
}>
export type WireAvailability = Readonly<{
  kind: 'ok' | 'unknown'
  delay_ms: number | null
  why: string | null
  age_ms: number
}>

export type WireVerdict = Readonly<{
  kind: VerdictKind
  rule: Rule
  /** Absent: an earlier version. */
  situation?: string
  primary: string | null
  primaries: readonly string[]
  routed_to: string | null
  suspect: string | null
  blind: readonly string[]
  why: string
  since: string
}>
export type WireEvidence = Readonly<{
  source: string
  subject: string | null
  answer: Answer
  contradicts_sql: boolean
  required: boolean
  why: string
  age_ms: number | null
}>
/** `standing_in`: it is not the owner, and does not hear it. */
export type WireOwner = Readonly<{instance: string; epoch: number; standing_in: boolean}>
export type WireGroup = Readonly<{
  hosts: readonly string[]
  verdict: WireVerdict
  evidence: readonly WireEvidence[]
  /** Absent: the group is not shared. `null`: no instance tells of it. */
  owner?: WireOwner | null
}>
export type WireActuator = Readonly<{
  status: ActuatorState['status']
  problems: readonly string[]
  since: string
  verified_at: string | null
}>
export type WireMaintenance = Readonly<{since: string; by: string; reason: string | null; until: string | null}>
/** A planned switch: the writers of the group wait. */
export type WireHold = Readonly<{
  id: string
  group: string
  from: string
  to: string | null
  since: string
  until: string
  by: string
}>
export type WireSnapshot = Readonly<{
  schema: 1
  epoch: string
  sequence: number
  at: string
  ready: boolean
  version: string
  max_age_ms: number
  groups: Readonly<Record<string, WireGroup>>
  hosts: Readonly<Record<string, WireHost>>
  actuators: Readonly<Record<string, WireActuator>>
  maintenance: WireMaintenance | null
  /** Absent: an earlier version. */
  hold?: WireHold | null
  /** The configuration in force. Absent: an earlier version. */
  config?: WireConfig | null
}>
/** `hash`: of what `config show` prints; a secret is no part of it. */
export type WireConfig = Readonly<{hash: string; loaded_at: string}>
/** The data of an event `change`. */
export type WireChanges = Readonly<{
  epoch: string
  sequence: number
  at: string
  changes: readonly Change[]
  snapshot: WireSnapshot
}>

/** One moment by both clocks of this process: `now` monotonic, `wall` milliseconds since 1970. */
export type Moment = Readonly<{now: number; wall: number}>

/**
 * `at` is the moment of the answer, not of the last event: that is what the ages in it are counted
 * from.
 */
export const toWire = (snapshot: Snapshot, at: Moment): WireSnapshot => ({
  schema: 1,
  epoch: snapshot.epoch,
  sequence: snapshot.sequence,
  at: timeOf(at.wall),
  ready: snapshot.ready,
  version: snapshot.version,
  max_age_ms: snapshot.maxAgeMs,
  groups: mapped(snapshot.groups, (group) => groupToWire(group, at)),
  hosts: mapped(snapshot.hosts, (host) => hostToWire(host, at)),
  actuators: mapped(snapshot.actuators, actuatorToWire),
  maintenance: snapshot.maintenance && maintenanceToWire(snapshot.maintenance),
  hold: snapshot.hold ? holdToWire(snapshot.hold) : null,
  config: snapshot.config ? {hash: snapshot.config.hash, loaded_at: timeOf(snapshot.config.loadedAt)} : null,
})

export const groupToWire = ({hosts, verdict, evidence, owner}: GroupState, at: Moment): WireGroup => ({
  hosts,
  verdict: verdictToWire(verdict),
  evidence: evidence.map((item) => evidenceToWire(item, at)),
  ...(owner !== undefined && {owner: owner && ownerToWire(owner)}),
})

const ownerToWire = ({instance, epoch, isStandingIn}: GroupOwner): WireOwner => ({
  instance,
  epoch,
  standing_in: isStandingIn === true,
})

export const verdictToWire = (verdict: Verdict): WireVerdict => ({
  kind: verdict.kind,
  rule: verdict.rule,
  situation: verdict.situation,
  primary: verdict.primary,
  primaries: verdict.primaries,
  routed_to: verdict.routedTo,
  suspect: suspectOf(verdict),
  blind: verdict.blind,
  why: verdict.why,
  since: timeOf(verdict.since),
})

const evidenceToWire = (item: Evidence, {now}: Moment): WireEvidence => ({
  source: item.source,
  subject: item.subject,
  answer: item.answer,
  contradicts_sql: item.contradictsSql,
  required: item.required,
  why: item.why,
  age_ms: ageOf(item.askedAt, now),
})

export function hostToWire(host: HostState, {now, wall}: Moment): WireHost {
  const ageMs = ageOf(host.askedAt, now)
  const failed = host.role === 'unavailable' ? host : null
  const answering = host.role === 'unavailable' ? null : host
  const standby = host.role === 'standby' ? host : null
  return {
    role: host.role,
    cause: causeOf(host),
    detail: failed?.detail ?? null,
    blind: failed?.blind ?? false,
    since: timeOf(host.since),
    asked_at: ageMs === null ? null : timeOf(wall - ageMs),
    age_ms: ageMs,
    address: host.address,
    port: host.port,
    groups: host.groups,
    location: host.location,
    drained: host.drained && {since: timeOf(host.drained.since), by: host.drained.by, reason: host.drained.reason},
    server_version: host.serverVersion,
    cluster_name: host.clusterName,
    system_identifier: host.systemIdentifier,
    started_at: host.startedAt === null ? null : timeOf(host.startedAt),
    timeline: timelineOf(host),
    lsn: answering?.lsn ?? null,
    lag_bytes: standby?.lagBytes ?? null,
    lag_ms: rounded(standby?.lagMs ?? null),
    upstream: standby?.upstream ?? null,
    receiver_state: standby?.receiver?.status ?? null,
    replication_state: standby?.replicationState ?? null,
    sync_state: standby?.syncState ?? null,
    read_only: answering?.readOnly ?? null,
    replay_paused: standby?.replayPaused ?? null,
    backends_used: answering?.backendsUsed ?? null,
    backends_max: answering?.backendsMax ?? null,
    probe_ms: rounded(host.probeMs),
    availability: host.availability && availabilityToWire(host.availability, now),
    delayed: standby?.delayed ? {delay_ms: standby.delayed.delayMs, read: standby.delayed.isReadable} : null,
  }
}

const availabilityToWire = (availability: NonNullable<HostState['availability']>, now: number): WireAvailability => ({
  kind: availability.kind,
  delay_ms: availability.kind === 'ok' ? rounded(availability.delayMs) : null,
  why: availability.kind === 'unknown' ? availability.why : null,
  age_ms: ageOf(availability.askedAt, now) ?? 0,
})

const actuatorToWire = ({status, problems, since, verifiedAt}: ActuatorState): WireActuator => ({
  status,
  problems,
  since: timeOf(since),
  verified_at: verifiedAt === null ? null : timeOf(verifiedAt),
})

const maintenanceToWire = ({since, by, reason, until}: Maintenance): WireMaintenance => ({
  since: timeOf(since),
  by,
  reason,
  until: until === null ? null : timeOf(until),
})

export const holdToWire = ({since, until, ...hold}: Hold): WireHold => ({
  id: hold.id,
  group: hold.group,
  from: hold.from,
  to: hold.to,
  since: timeOf(since),
  until: timeOf(until),
  by: hold.by,
})

export const changesToWire = (changes: readonly Change[], snapshot: Snapshot, at: Moment): WireChanges => ({
  epoch: snapshot.epoch,
  sequence: snapshot.sequence,
  at: timeOf(at.wall),
  changes,
  snapshot: toWire(snapshot, at),
})

export const timeOf = (wall: number): string => new Date(wall).toISOString()
/** Microseconds are enough; more digits are noise of the clock. */
const rounded = <T extends number | null>(ms: T): T => (ms === null ? ms : ((Math.round(ms * 1000) / 1000) as T))
/** Milliseconds since `askedAt`, both monotonic. */
export const ageOf = (askedAt: number | null, now: number) =>
  askedAt === null ? null : rounded(Math.max(0, now - askedAt))
const mapped = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
