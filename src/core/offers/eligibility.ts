import {
  type GroupState,
  type HostState,
  type Snapshot,
  type StandbyHost,
  timelineOf,
  type UnavailableHost,
} from '../snapshot.ts'
import {isSettled, isStarting, isUnreachable} from '../verdict/verdict-kind.ts'
import type {Predicate} from '../vocabulary.ts'

/** What a question adds to a predicate. `null`: no limit. Unknown lag meets no limit. */
export type Limits = Readonly<{lagBytes: number | null; lagMs: number | null; replicationState: string | null}>
export const noLimits: Limits = {lagBytes: null, lagMs: null, replicationState: null}

/** `why`: a sentence for an operator, in both cases. */
export type Eligibility = Readonly<{ok: boolean; why: string}>

/**
 * Does `predicate` hold for `host` in this snapshot (DESIGN 4.4; Patroni's words, its REST API
 * documentation, "Health check endpoints")?
 */
export function eligibilityOf(predicate: Predicate, snapshot: Snapshot, host: HostState, limits: Limits): Eligibility {
  const routed = () => isRouted(host, snapshot)
  const replica = (syncStates?: readonly string[]) => isReplica(host, snapshot, limits, syncStates)
  const either = (syncStates?: readonly string[]) => {
    const asReplica = replica(syncStates)
    return asReplica.ok ? asReplica : routed().ok ? routed() : asReplica
  }
  switch (predicate) {
    case 'primary':
    case 'leader':
      return routed()
    case 'read-write':
      return routed().ok && host.role !== 'unavailable' && host.readOnly
        ? no(`${host.host} is the primary, but read-only`)
        : routed()
    case 'replica':
      return replica()
    case 'read-only':
      return either()
    case 'sync':
    case 'synchronous':
      return replica(['sync'])
    case 'async':
    case 'asynchronous':
      return replica(['async'])
    case 'read-only-sync':
      return either(['sync'])
    case 'quorum':
      return replica(['quorum'])
    case 'read-only-quorum':
      return either(['quorum'])
    case 'standby-leader':
      return isStandbyLeader(host, snapshot)
    case 'health':
      return host.role === 'unavailable' ? no(unavailable(host)) : yes(`${host.host} is ${host.role}`)
  }
}

const yes = (why: string): Eligibility => ({ok: true, why})
const no = (why: string): Eligibility => ({ok: false, why})
const unavailable = ({host, cause, detail}: UnavailableHost) =>
  `${host} is unavailable (${cause ?? 'not asked yet'}${detail === null ? '' : `: ${detail}`})`
/** A delayed standby shows the past, so readers get it only where the configuration says so. */
export const isHeldBack = ({delayed}: StandbyHost): boolean => delayed !== null && !delayed.isReadable
const delayText = ({delayed}: StandbyHost) => `recovery_min_apply_delay is ${delayed?.delayMs ?? 0} ms`
const groupsOf = (host: HostState, snapshot: Snapshot) =>
  host.groups.map((name) => snapshot.groups[name]).filter((group): group is GroupState => group !== undefined)

/**
 * A host in several groups is offered only where each of them offers it; one in no group is never
 * offered.
 */
function isRouted(host: HostState, snapshot: Snapshot): Eligibility {
  const groups = groupsOf(host, snapshot)
  const against = groups.find(({verdict}) => verdict.routedTo !== host.host)
  // A primary that is out of reach for us alone stays routed.
  if (host.role === 'unavailable' && (against || groups.length === 0)) return no(unavailable(host))
  if (against) return no(against.verdict.why)
  return groups.length === 0
    ? no(`${host.host} is in no group, so routers do not get it`)
    : yes(groups[0]?.verdict.why ?? '')
}

function isReplica(host: HostState, snapshot: Snapshot, limits: Limits, syncStates?: readonly string[]): Eligibility {
  if (host.role === 'unavailable') return no(unavailable(host))
  if (host.role === 'primary') return no(`${host.host} is a primary`)
  if (host.drained !== null) return no(`${host.host} is drained by ${host.drained.by}`)
  if (isHeldBack(host)) return no(`${host.host} replays late on purpose (${delayText(host)})`)
  const groups = groupsOf(host, snapshot)
  if (groups.length === 0) return no(`${host.host} is in no group, so routers do not get it`)
  for (const {verdict} of groups) {
    // Reading goes on without a routed primary: only a settled verdict says which timeline is the
    // right one.
    const primary = isSettled(verdict) && !isUnreachable(verdict) ? snapshot.hosts[verdict.primary] : undefined
    const isStreaming = host.upstream === verdict.primary && host.receiver?.status === 'streaming'
    if (isStarting(verdict)) return no(verdict.why)
    if (primary && (host.timeline === null || host.timeline !== timelineOf(primary)) && !isStreaming) {
      const theirs = `the primary ${primary.host} is on ${timelineOf(primary) ?? 'unknown'}`
      return no(`${host.host} is on timeline ${host.timeline ?? 'unknown'}, but ${theirs}`)
    }
  }
  return isWithin(host, limits, syncStates)
}

function isWithin(host: StandbyHost, limits: Limits, syncStates?: readonly string[]): Eligibility {
  if (syncStates && (host.syncState === null || !syncStates.includes(host.syncState))) {
    return no(`${host.host} has sync state ${host.syncState ?? 'unknown'}, not ${syncStates.join(' or ')}`)
  }
  if (limits.replicationState !== null && host.replicationState !== limits.replicationState) {
    return no(
      `${host.host} has replication state ${host.replicationState ?? 'unknown'}, not ${limits.replicationState}`,
    )
  }
  if (limits.lagBytes !== null && (host.lagBytes === null || host.lagBytes > limits.lagBytes)) {
    const lag = `${host.lagBytes === null ? 'an unknown number of' : host.lagBytes} bytes`
    return no(`${host.host} lags by ${lag}; the limit is ${limits.lagBytes} bytes`)
  }
  if (limits.lagMs !== null && (host.lagMs === null || host.lagMs > limits.lagMs)) {
    const lag = host.lagMs === null ? 'an unknown time' : `${Math.round(host.lagMs)} ms`
    return no(`${host.host} lags by ${lag}; the limit is ${limits.lagMs} ms`)
  }
  return yes(`${host.host} is a standby${host.lagBytes === null ? '' : `, ${host.lagBytes} bytes behind`}`)
}

/**
 * Follows a host outside of the group and is followed inside of it: the head of a standby cluster.
 */
function isStandbyLeader(host: HostState, snapshot: Snapshot): Eligibility {
  if (host.role !== 'standby') return no(host.role === 'unavailable' ? unavailable(host) : `${host.host} is a primary`)
  if (host.drained !== null) return no(`${host.host} is drained by ${host.drained.by}`)
  const isOutside =
    host.upstream !== null && host.receiver?.status === 'streaming' && snapshot.hosts[host.upstream] === undefined
  const isFollowed = groupsOf(host, snapshot).some(({hosts}) =>
    hosts.some((name) => {
      const other = snapshot.hosts[name]
      return other?.role === 'standby' && other.upstream === host.host
    }),
  )
  return isOutside && isFollowed
    ? yes(`${host.host} leads a standby cluster`)
    : no(`${host.host} does not lead a standby cluster`)
}
