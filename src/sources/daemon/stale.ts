import type {ActuatorState, Evidence, GroupState, HostState, Snapshot, Verdict} from '../../core/snapshot.ts'

/**
 * What is left of a snapshot when the daemon that sent it has fallen silent: names, and that
 * nothing is known. A split brain stays one, because it ends by being seen to end; a start stays a
 * start.
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

function unsure({kind, rule}: Verdict, why: string, wall: number): Verdict {
  const doubt =
    kind === 'split-brain' || kind === 'starting'
      ? ({kind, rule} as const)
      : ({kind: 'unconfirmed', rule: 'V3'} as const)
  return {
    ...doubt,
    primary: null,
    primaries: [],
    routedTo: null,
    suspect: null,
    blind: [],
    why: `nothing is known here: ${why}; each router goes on in its own way (runbook: the daemon is gone)`,
    since: wall,
  }
}

const lost = (host: HostState, why: string, {now, wall}: Readonly<{now: number; wall: number}>): HostState => ({
  ...host,
  role: 'unavailable',
  cause: 'stale',
  detail: why,
  blind: false,
  since: host.cause === 'stale' ? host.since : wall,
  timeline: null,
  lsn: null,
  lagBytes: null,
  lagMs: null,
  upstream: null,
  receiver: null,
  senders: [],
  replicationState: null,
  syncState: null,
  readOnly: null,
  replayPaused: null,
  backendsUsed: null,
  backendsMax: null,
  probeMs: null,
  availability: host.availability && {kind: 'unknown', why, askedAt: now},
})
