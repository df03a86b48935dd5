import type {
  ActuatorState,
  AnyHost,
  Availability,
  Change,
  Decision,
  Evidence,
  GroupOwner,
  GroupState,
  Hold,
  HostState,
  Maintenance,
  Publication,
  Snapshot,
  Verdict,
} from '../core/snapshot.ts'
import {assertSnapshot, InvariantError} from '../core/verdict/invariants.ts'
import {situations, usualSituation} from '../core/verdict/situation.ts'
import type {
  WireActuator,
  WireAvailability,
  WireEvidence,
  WireGroup,
  WireHold,
  WireHost,
  WireMaintenance,
  WireOwner,
  WireSnapshot,
  WireVerdict,
} from './snapshot-json.ts'

/**
 * The snapshot in a daemon's answer that arrived at `now` (monotonic, this process's). Ages become
 * times of this process, as if the answer had needed no time on the way: the reader of a stream
 * adds that time. Throws on anything else than a snapshot of schema 1, and on one that breaks a
 * rule of SPEC.md: no router may act on it. Not on the wire, and so unknown: `senders`, and all but
 * the status of a receiver.
 */
export function fromWire(json: unknown, now: number): Snapshot {
  const wire = fieldsOf(json) as WireSnapshot
  if (wire.schema !== 1)
    throw new SyntaxError(`the daemon sent schema ${JSON.stringify(wire.schema)}, and this version reads schema 1`)
  if (typeof wire.epoch !== 'string' || !Number.isSafeInteger(wire.sequence))
    throw new SyntaxError('the daemon sent a snapshot without epoch or sequence')
  if (!(wire.max_age_ms > 0)) throw new SyntaxError('the daemon sent a snapshot without max_age_ms')
  const groups = Object.entries(fieldsOf(wire.groups)).map(([name, group]) => [
    name,
    groupFrom(name, fieldsOf(group) as WireGroup, now),
  ])
  const hosts = Object.entries(fieldsOf(wire.hosts)).map(([name, host]) => [
    name,
    hostFrom(name, fieldsOf(host) as WireHost, now),
  ])
  const snapshot = {
    epoch: wire.epoch,
    sequence: wire.sequence,
    at: wallOf(wire.at),
    ready: wire.ready === true,
    version: String(wire.version),
    maxAgeMs: wire.max_age_ms,
    groups: Object.fromEntries(groups),
    hosts: Object.fromEntries(hosts),
    // Older daemons send neither.
    actuators: Object.fromEntries(
      Object.entries(wire.actuators ?? {}).map(([name, actuator]) => [name, actuatorFrom(actuator)]),
    ),
    maintenance: wire.maintenance ? maintenanceFrom(wire.maintenance) : null,
    hold: wire.hold ? holdFrom(wire.hold) : null,
    config: wire.config ? {hash: String(wire.config.hash), loadedAt: wallOf(wire.config.loaded_at)} : null,
  }
  assertSnapshot(snapshot)
  return snapshot
}

/** The data of an event `change`. Throws like `fromWire`. */
export function changesFromWire(json: unknown, now: number): Publication {
  const {changes, epoch, sequence, snapshot: wire} = fieldsOf(json)
  if (!Array.isArray(changes)) throw new SyntaxError('the daemon sent an event "change" without changes')
  const snapshot = fromWire(wire, now)
  if (epoch !== snapshot.epoch || sequence !== snapshot.sequence)
    throw new InvariantError('P1', `event ${sequence} carries snapshot ${snapshot.sequence}`)
  return {changes: changes.map((change) => fieldsOf(change) as Change), snapshot}
}

function groupFrom(name: string, {hosts, verdict, evidence, owner}: WireGroup, now: number): GroupState {
  return {
    name,
    hosts,
    verdict: verdictFrom(fieldsOf(verdict) as WireVerdict),
    evidence: evidence.map((item) => evidenceFrom(item, now)),
    ...(owner !== undefined && {owner: owner && ownerFrom(owner)}),
  }
}

const ownerFrom = ({instance, epoch, standing_in}: WireOwner): GroupOwner => ({
  instance: String(instance),
  epoch: Number(epoch),
  ...(standing_in === true && {isStandingIn: true}),
})

function verdictFrom(wire: WireVerdict): Verdict {
  const {primaries, blind, why} = wire
  const decision = decisionFrom(wire)
  const situation = situations.find((known) => known === wire.situation) ?? usualSituation[decision.rule]
  return {...decision, primaries, blind, situation, why, since: wallOf(wire.since)}
}

/** Each rule has its kind, and each kind its fields. Throws where they contradict each other. */
function decisionFrom(wire: WireVerdict): Decision {
  const {primary, routed_to: routedTo, suspect, why} = wire
  const kind = oneOf(wire.kind, ['primary', 'no-primary', 'split-brain', 'unconfirmed', 'starting'])
  const rule = oneOf(wire.rule, ['V0', 'V1', 'V2', 'V3', 'V4', 'V5'])
  if (kind === 'primary' && rule === 'V4' && primary !== null) return {kind, rule, primary, routedTo, why}
  if (kind === 'split-brain' && rule === 'V1' && primary === null) return {kind, rule, primary, routedTo, suspect, why}
  if (routedTo === null) {
    if (kind === 'unconfirmed' && rule === 'V2' && primary !== null) return {kind, rule, primary, routedTo, why}
    if (kind === 'unconfirmed' && rule === 'V3') return {kind, rule, primary, routedTo, why}
    if (kind === 'starting' && rule === 'V0' && primary === null) return {kind, rule, primary, routedTo, why}
    if (kind === 'no-primary' && rule === 'V5' && primary === null) return {kind, rule, primary, routedTo, why}
  }
  const shown = JSON.stringify({kind, rule, primary, routed_to: routedTo})
  throw new SyntaxError(`the daemon sent a verdict that contradicts itself: ${shown}`)
}

const evidenceFrom = (wire: WireEvidence, now: number): Evidence => ({
  source: wire.source,
  subject: wire.subject,
  answer: oneOf(wire.answer, ['confirms', 'denies', 'silent']),
  contradictsSql: wire.contradicts_sql,
  required: wire.required,
  why: wire.why,
  askedAt: wire.age_ms === null ? null : now - wire.age_ms,
})

function hostFrom(host: string, wire: WireHost, now: number): HostState {
  const common: AnyHost = {
    host,
    since: wallOf(wire.since),
    askedAt: wire.age_ms === null ? null : now - wire.age_ms,
    address: wire.address,
    addresses: [wire.address],
    port: wire.port,
    groups: wire.groups,
    location: wire.location,
    drained: wire.drained && {since: wallOf(wire.drained.since), by: wire.drained.by, reason: wire.drained.reason},
    serverVersion: wire.server_version,
    clusterName: wire.cluster_name,
    systemIdentifier: wire.system_identifier,
    startedAt: wire.started_at === null ? null : wallOf(wire.started_at),
    probeMs: wire.probe_ms,
    availability: wire.availability && availabilityFrom(wire.availability, now),
  }
  const role = oneOf(wire.role, ['primary', 'standby', 'unavailable'])
  if (role === 'unavailable') return {...common, role, cause: wire.cause, detail: wire.detail, blind: wire.blind}
  const answering = {
    ...common,
    timeline: wire.timeline,
    lsn: wire.lsn,
    senders: [],
    readOnly: wire.read_only,
    backendsUsed: wire.backends_used,
    backendsMax: wire.backends_max,
  }
  if (role === 'primary') return {...answering, role}
  return {
    ...answering,
    role,
    lagBytes: wire.lag_bytes,
    lagMs: wire.lag_ms,
    upstream: wire.upstream,
    receiver: wire.receiver_state === null ? null : {...unknownReceiver, status: wire.receiver_state},
    receiveLsn: null,
    replicationState: wire.replication_state,
    syncState: wire.sync_state,
    replayPaused: wire.replay_paused,
    delayed: wire.delayed ? {delayMs: wire.delayed.delay_ms, isReadable: wire.delayed.read} : null,
  }
}

const actuatorFrom = (wire: WireActuator): ActuatorState => ({
  status: oneOf(wire.status, ['pending', 'in-sync', 'out-of-sync', 'planned', 'frozen']),
  problems: wire.problems,
  since: wallOf(wire.since),
  verifiedAt: wire.verified_at === null ? null : wallOf(wire.verified_at),
})

const maintenanceFrom = (wire: WireMaintenance): Maintenance => ({
  since: wallOf(wire.since),
  by: wire.by,
  reason: wire.reason,
  until: wire.until === null ? null : wallOf(wire.until),
})

const holdFrom = ({since, until, ...hold}: WireHold): Hold => ({...hold, since: wallOf(since), until: wallOf(until)})

const unknownReceiver = {
  senderHost: null,
  senderPort: null,
  receivedTimeline: null,
  lastMessageAgeMs: null,
  lastMessageSentMs: null,
  latestEndLsn: null,
}

function availabilityFrom({kind, delay_ms, why, age_ms}: WireAvailability, now: number): Availability {
  const askedAt = now - age_ms
  if (kind === 'ok' && delay_ms !== null) return {kind: 'ok', delayMs: delay_ms, askedAt}
  return {kind: 'unknown', why: why ?? 'unknown', askedAt}
}

/** A word that decides must be a known one: the meaning of a newer daemon's word is not guessed. */
function oneOf<T extends string>(value: T, known: readonly T[]): T {
  if (known.includes(value)) return value
  throw new SyntaxError(`${JSON.stringify(value)} is none of ${known.join(', ')}`)
}

function wallOf(time: string): number {
  const wall = Date.parse(time)
  if (Number.isNaN(wall)) throw new SyntaxError(`${JSON.stringify(time)} is not a time`)
  return wall
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new SyntaxError('the daemon sent something else than a JSON object')
}
