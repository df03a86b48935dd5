import {
  type ActuatorState,
  causeOf,
  type Evidence,
  type GroupState,
  type HostState,
  type Snapshot,
  type Verdict,
} from '../snapshot.ts'
import {usualSituation} from '../verdict/situation.ts'

/**
 * What remains of a snapshot when the daemon that sent it has fallen silent: the names, and no
 * knowledge of any host. A split brain stays a split brain, because only an observation can end it;
 * `starting` stays `starting`.
 */
export function staleOf(snapshot: Snapshot, why: string, {now, wall}: Readonly<{now: number; wall: number}>): Snapshot {
  const groups = Object.entries(snapshot.groups).map(([name, group]): [string, GroupState] => [
    name,
    {...group, evidence: group.evidence.map((item) => silent(item, why)), verdict: unsure(group.verdict, why, wall)},
  ])
  const hosts = Object.entries(snapshot.hosts).map(([name, host]): [string, HostState] => [
    name,
    lost(host, why, {now, wall}),
  ])
  const actuators = Object.entries(snapshot.actuators).map(([name, target]): [string, ActuatorState] => [
    name,
    target.status === 'pending' ? target : {...target, status: 'pending', problems: [], since: wall},
  ])
  return {
    ...snapshot,
    at: wall,
    groups: Object.fromEntries(groups),
    hosts: Object.fromEntries(hosts),
    actuators: Object.fromEntries(actuators),
  }
}

const silent = (item: Evidence, why: string): Evidence => ({...item, answer: 'silent', contradictsSql: false, why})

function unsure({kind}: Verdict, silence: string, wall: number): Verdict {
  const why = `${silence}, so this view is stale; what routers do meanwhile: runbook, "The daemon is gone"`
  const common = {primary: null, routedTo: null, primaries: [], blind: [], why, since: wall}
  if (kind === 'split-brain') return {...common, kind, rule: 'V1', suspect: null, situation: usualSituation.V1}
  if (kind === 'starting') return {...common, kind, rule: 'V0', situation: usualSituation.V0}
  return {...common, kind: 'unconfirmed', rule: 'V3', situation: usualSituation.V3}
}

function lost(before: HostState, why: string, {now, wall}: Readonly<{now: number; wall: number}>): HostState {
  const {host, address, addresses, port, groups, location, drained, serverVersion, clusterName, systemIdentifier} =
    before
  return {
    ...{host, address, addresses, port, groups, location, drained, serverVersion, clusterName, systemIdentifier},
    startedAt: before.startedAt,
    askedAt: before.askedAt,
    role: 'unavailable',
    cause: 'stale',
    detail: why,
    blind: false,
    since: causeOf(before) === 'stale' ? before.since : wall,
    probeMs: null,
    availability: before.availability && {kind: 'unknown', why, askedAt: now},
  }
}
