import type {LocalPatroniSettings} from '../../config/config.ts'
import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import {type HostState, type Snapshot, timelineOf} from '../../core/snapshot.ts'
import type {LocalView} from './local-view.ts'
import {isBefore, nameOf, scopeOf, stateOf, typedTags} from './patroni-body.ts'
import {tagsInForce} from './patroni-query.ts'
import {receiveLag, replicationState} from './patroni-replication.ts'

/**
 * `GET /cluster`: the group of the local host. `leader` is the host that the verdict routes to. The
 * lag of another host is a number where it streams from the leader on its timeline, else "unknown".
 */
export function clusterBody(view: LocalView, settings: LocalPatroniSettings): object {
  const {group, snapshot} = view
  const names = [...(group?.hosts ?? [])].sort()
  const members = names.flatMap((name) => {
    const host = snapshot.hosts[name]
    return host === undefined ? [] : memberOf(host, view, settings)
  })
  return {members, scope: scopeOf(view)}
}

function memberOf(host: HostState, view: LocalView, settings: LocalPatroniSettings) {
  const {snapshot} = view
  const role = roleOf(host, snapshot)
  const tags = host.host === view.settings.host ? tagsInForce(settings.tags) : {}
  const isLeader = role === 'leader' || role === 'standby_leader'
  return {
    name: nameOf(host.host, view),
    role,
    state: memberState(host, role, settings.localVersion),
    api_url: `${settings.ssl === null ? 'http' : 'https'}://${urlHost(host.address)}:${settings.port}/patroni`,
    host: host.address,
    port: host.port,
    // Clients index it, and read a number: 0 is unknown, as in the metrics of Patroni.
    timeline: timelineOf(host) ?? 0,
    ...(Object.keys(tags).length > 0 && {tags: typedTags(tags)}),
    ...(!isLeader && lagsOf(host, snapshot)),
  }
}

function roleOf(host: HostState, snapshot: Snapshot): string {
  if (eligibilityOf('primary', snapshot, host, noLimits).ok) return 'leader'
  if (eligibilityOf('standby-leader', snapshot, host, noLimits).ok) return 'standby_leader'
  const syncState = host.role === 'standby' ? host.syncState : null
  return syncState === 'sync' || syncState === 'quorum' ? `${syncState}_standby` : 'replica'
}

/** Before 3.0.4 Patroni does not tell whether a standby streams. */
const memberState = (host: HostState, role: string, localVersion: string): string =>
  role !== 'leader' && !isBefore(localVersion, 3, 0, 4) ? (replicationState(host) ?? stateOf(host)) : stateOf(host)

function lagsOf(host: HostState, snapshot: Snapshot) {
  // Clients compare the timeline wherever the lag is a number.
  const isKnown = host.role === 'standby' && host.timeline !== null
  const [lag, received] = isKnown ? [host.lagBytes, receiveLag(host, snapshot)] : [null, null]
  const [lsn, receiveLsn] = host.role === 'standby' ? [host.lsn, host.receiveLsn] : [null, null]
  return {
    receive_lag: received ?? 'unknown',
    receive_lsn: receiveLsn ?? 'unknown',
    replay_lag: lag ?? 'unknown',
    replay_lsn: lsn ?? 'unknown',
    lag: lag ?? 'unknown',
    lsn: lsn ?? 'unknown',
  }
}

const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address)
