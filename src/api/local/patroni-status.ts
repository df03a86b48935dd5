import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {hasTags, isOff, lagLimit, tagsInForce} from './patroni-query.ts'
import {receiveLag, replicationState} from './patroni-replication.ts'
import type {RequestTarget} from './request-target.ts'

/** What a health check is about. */
export type Checked = Readonly<{snapshot: Snapshot; host: HostState; tags: Readonly<Record<string, string>>}>

/**
 * Does the host pass the check of this path? The paths are Patroni's (its api.py, `do_GET`): they are
 * looked for anywhere in the path, in this order and this case, and a path that holds none of them
 * fails. What Patroni asks of its lock is asked of the verdict.
 */
export function passes({path, query}: RequestTarget, {snapshot, host, tags}: Checked): boolean {
  const is = standingOf(host, snapshot)
  const replica = () => is.replica(query, tags)
  const isLeader = is.primary || is.standbyLeader
  const has = (word: string) => path.includes(word)

  // The leader has no tags that keep clients away.
  if (has('standby_leader') || has('standby-leader')) return is.standbyLeader
  if (has('leader')) return isLeader
  if (path === '/' || has('master') || has('primary') || has('read-write')) return is.primary

  return readerPasses() && hasTags(query, tagsInForce(tags))

  function readerPasses(): boolean {
    if (has('replica')) return replica()
    if (has('read-only') && !has('sync') && !has('quorum')) return isLeader || replica()
    if (has('health')) return host.role !== 'unavailable'
    switch (path) {
      case '/sync':
      case '/synchronous':
        return is.sync && replica()
      case '/quorum':
        return is.quorum && replica()
      case '/async':
      case '/asynchronous':
        return !is.sync && !is.quorum && replica()
      case '/read-only-sync':
      case '/read-only-synchronous':
        return isLeader || (is.sync && replica())
      case '/read-only-quorum':
        return isLeader || (is.quorum && replica())
      default:
        return false
    }
  }
}

function standingOf(host: HostState, snapshot: Snapshot) {
  const standbyLeader = eligibilityOf('standby-leader', snapshot, host, noLimits).ok
  const syncState = host.role === 'standby' ? host.syncState : null
  return {
    primary: eligibilityOf('primary', snapshot, host, noLimits).ok,
    standbyLeader,
    sync: syncState === 'sync',
    quorum: syncState === 'quorum',
    replica(query: RequestTarget['query'], {noloadbalance = ''}: Checked['tags']) {
      const limits = {...noLimits, lagBytes: lagLimit(query.get('lag'))}
      const state = query.get('replication_state') ?? null
      return (
        !standbyLeader &&
        isOff(noloadbalance) &&
        (state === null || state === replicationState(host)) &&
        eligibilityOf('replica', snapshot, host, limits).ok
      )
    },
  }
}

/**
 * Patroni's readiness, by the rule of 4.1: the leader, or a standby that streams, within `lag=` of
 * what it has replayed or, with `mode=write`, received.
 */
export function isReady({query}: RequestTarget, {snapshot, host}: Checked): boolean {
  if (eligibilityOf('primary', snapshot, host, noLimits).ok) return true
  if (host.role !== 'standby' || replicationState(host) !== 'streaming') return false
  const limit = lagLimit(query.get('lag'))
  const lag = query.get('mode') === 'write' ? receiveLag(host, snapshot) : host.lagBytes
  return limit === null || (lag !== null && lag <= limit)
}
