import type {GroupState, HostState, Snapshot} from '../snapshot.ts'
import {isUnreachable} from './verdict-kind.ts'

/**
 * The rules of SPEC.md that a single snapshot can break. They are asserted at two places: where a
 * snapshot is published, and where another process takes it over. No router then acts on a snapshot
 * that contradicts itself.
 */

/** A rule of SPEC.md is broken: a bug, on this side or on the sender's. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
  readonly rule: string

  constructor(rule: string, sentence: string) {
    super(`${sentence} (${rule} in SPEC.md)`)
    this.rule = rule
  }
}

/** S1, S15 and S18. Linear in hosts and groups; throws InvariantError at the first breach. */
export function assertSnapshot(snapshot: Snapshot): void {
  for (const group of Object.values(snapshot.groups)) {
    assertMembers(group, snapshot)
    assertRoute(group, snapshot)
  }
  for (const host of Object.values(snapshot.hosts)) assertGroups(host, snapshot)
}

/**
 * P1: within an epoch the sequence number of `after` is greater. `before`: the snapshot that was
 * published last; `null`: none yet.
 */
export function assertSuccessor(before: Snapshot | null, after: Snapshot): void {
  if (before === null || before.epoch !== after.epoch || after.sequence > before.sequence) return
  throw new InvariantError('P1', `snapshot ${after.sequence} follows snapshot ${before.sequence} of the same epoch`)
}

/** S1: one route at most, and to a primary. S15: a drained host gets none. */
function assertRoute({name, hosts, verdict}: GroupState, snapshot: Snapshot): void {
  const {routedTo, primary, primaries, rule} = verdict
  if (routedTo === null) return
  const host = hostIn(routedTo, snapshot)
  if (!hosts.includes(routedTo))
    throw new InvariantError('S1', `group ${name} routes to ${routedTo}, which is not in it`)
  if (host?.drained) throw new InvariantError('S15', `group ${name} routes to ${routedTo}, which is drained`)
  // Out of reach, but proven to live: no host is primary in sight.
  if (isUnreachable(verdict) && primaries.length === 0) return
  if (!primaries.includes(routedTo))
    throw new InvariantError('S1', `group ${name} routes to ${routedTo}, which is not among its primaries`)
  // A host in several groups is shown as one of them sees it, and another one may see a stranger.
  if (host?.role !== 'primary' && host?.groups.length === 1)
    throw new InvariantError('S1', `group ${name} routes to ${routedTo}, whose role is ${host.role}`)
  // Only on_split_brain: follow-evidence routes to one of several primaries, and that is V1.
  if (rule !== 'V1' && (primaries.length > 1 || primary !== routedTo))
    throw new InvariantError('S1', `group ${name} routes to ${routedTo}, while ${primaries.join(' and ')} are primary`)
}

/**
 * S18 rests on it: whether every group of a host offers it can be asked only where the host names
 * all of its groups.
 */
function assertMembers({name, hosts}: GroupState, snapshot: Snapshot): void {
  for (const host of hosts) {
    const state = hostIn(host, snapshot)
    if (state === null) throw new InvariantError('S18', `group ${name} lists ${host}, which the snapshot does not hold`)
    if (!state.groups.includes(name))
      throw new InvariantError('S18', `group ${name} lists ${host}, but ${host} does not list the group`)
  }
}

function assertGroups({host, groups}: HostState, snapshot: Snapshot): void {
  for (const name of groups) {
    const group = Object.hasOwn(snapshot.groups, name) ? snapshot.groups[name] : undefined
    if (!group?.hosts.includes(host))
      throw new InvariantError('S18', `host ${host} lists group ${name}, but the group does not list ${host}`)
  }
}

/** Names come from outside, and every object has a "constructor". */
const hostIn = (name: string, {hosts}: Snapshot): HostState | null =>
  Object.hasOwn(hosts, name) ? (hosts[name] ?? null) : null
