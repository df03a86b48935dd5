import type {LocalPatroniSettings} from '../../config/config.ts'
import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import {type HostState, type PrimaryHost, type StandbyHost, timelineOf} from '../../core/snapshot.ts'
import type {LocalView} from './local-view.ts'
import {tagsInForce, typed} from './patroni-query.ts'
import {positionOf, replicationState} from './patroni-replication.ts'

/**
 * The status of the local host as Patroni's REST API writes it (its api.py,
 * `get_postgresql_status`). Never absent: `state`, `role`, `timeline`, `patroni`, and once the host
 * has answered `server_version` and `database_system_identifier`. What is unknown is left out, as
 * typed clients expect it; `timeline` alone is `null`. Not there: what only Patroni knows (`pause`,
 * `cluster_unlocked`, `failsafe_mode_is_active`, `pending_restart`). `pgroute66` says why.
 */
export function statusBody(view: LocalView, settings: LocalPatroniSettings): object {
  const {host, group} = view
  const tags = tagsInForce(settings.tags)
  const syncState = host?.role === 'standby' ? host.syncState : null
  return {
    state: host === null ? 'unknown' : stateOf(host),
    ...(host !== null && host.startedAt !== null && {postmaster_start_time: timeText(host.startedAt)}),
    role: roleOf(view, settings.localVersion),
    ...known({server_version: host?.serverVersion}),
    ...(host !== null && host.role !== 'unavailable' && {xlog: xlogOf(host)}),
    ...(syncState === 'sync' && {sync_standby: true}),
    ...(syncState === 'quorum' && {quorum_standby: true}),
    timeline: host && timelineOf(host),
    ...(host !== null && replicationState(host) !== null && {replication_state: replicationState(host)}),
    ...(host !== null && host.role !== 'unavailable' && host.senders.length > 0 && {replication: replicationOf(host)}),
    dcs_last_seen: lastRound(view),
    ...(Object.keys(tags).length > 0 && {tags: typedTags(tags)}),
    ...known({database_system_identifier: host?.systemIdentifier}),
    patroni: {version: settings.localVersion, scope: scopeOf(view), name: nameOf(view.settings.host, view)},
    pgroute66: {
      verdict: group?.verdict.kind ?? null,
      rule: group?.verdict.rule ?? null,
      why: group?.verdict.why ?? `${view.settings.host} is in no group, so routers do not get it`,
    },
  }
}

/** Patroni's words: a client that wants a server up looks for `running`. */
export function stateOf(host: HostState): string {
  if (host.role !== 'unavailable') return 'running'
  if (host.cause === 'refused') return 'stopped'
  return host.cause === 'not-accepting' ? 'starting' : 'unknown'
}

/** A primary that is routed to and out of reach for the daemon alone is a primary all the same. */
function roleOf({host, snapshot}: LocalView, localVersion: string): string {
  if (host === null) return 'replica'
  if (host.role === 'primary' || eligibilityOf('primary', snapshot, host, noLimits).ok)
    return isBefore(localVersion, 4) ? 'master' : 'primary'
  return eligibilityOf('standby-leader', snapshot, host, noLimits).ok ? 'standby_leader' : 'replica'
}

/** Is the version of Patroni before these numbers? */
export function isBefore(version: string, ...numbers: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  const index = numbers.findIndex((number, place) => parts[place] !== number)
  return index >= 0 && (parts[index] ?? 0) < (numbers[index] ?? 0)
}

const xlogOf = (host: PrimaryHost | StandbyHost) =>
  host.role === 'primary'
    ? known({location: positionOf(host.lsn)})
    : {
        ...known({received_location: positionOf(host.receiveLsn ?? host.lsn), replayed_location: positionOf(host.lsn)}),
        replayed_timestamp: null,
        paused: host.replayPaused ?? false,
      }

const replicationOf = ({senders}: PrimaryHost | StandbyHost) =>
  senders.map(({applicationName, clientAddr, state, syncState}) =>
    known({application_name: applicationName, client_addr: clientAddr, state, sync_state: syncState}),
  )

/** Without the fields that have no value. */
const known = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

/** Seconds since 1970: when the oldest question of the last complete round was sent. */
export function lastRound({snapshot, group, at}: LocalView): number {
  const asked = (group?.hosts ?? []).map((name) => snapshot.hosts[name]?.askedAt ?? null)
  const oldest = asked.some((moment) => moment === null) ? null : Math.min(...(asked as number[]))
  return oldest === null || !Number.isFinite(oldest) ? 0 : Math.floor((at.wall - (at.now - oldest)) / 1000)
}

/** Patroni sets `cluster_name` of its servers to its scope. */
export const scopeOf = ({host, group, patroni}: LocalView): string =>
  patroni?.scope || host?.clusterName || group?.name || 'all'

/** The member's name in Patroni, where the configuration has one. */
export const nameOf = (host: string, {patroni}: LocalView): string => patroni?.members[host] ?? host

export const typedTags = (tags: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, typed(value)]))

/** As Python prints a moment of PostgreSQL. */
const timeText = (wall: number): string => new Date(wall).toISOString().replace('T', ' ').replace('Z', '000+00:00')
