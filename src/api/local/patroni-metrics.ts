import type {LocalPatroniSettings} from '../../config/config.ts'
import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import {timelineOf} from '../../core/snapshot.ts'
import type {LocalView} from './local-view.ts'
import {isBefore, lastRound, nameOf, scopeOf} from './patroni-body.ts'
import {positionOf, replicationState} from './patroni-replication.ts'

type Metric = readonly [name: string, help: string, value: number]

/**
 * `GET /metrics` with Patroni's own names, for dashboards that read them from each node. Not there:
 * what only Patroni knows. The daemon's own metrics are on its main port.
 */
export function metricsText(view: LocalView, settings: LocalPatroniSettings): string {
  const labels = `{scope="${escaped(scopeOf(view))}",name="${escaped(nameOf(view.settings.host, view))}"}`
  return metricsOf(view, settings)
    .map(([name, help, value]) => {
      const type = name.endsWith('_location') || name.endsWith('_timeline') ? 'counter' : 'gauge'
      return `# HELP patroni_${name} ${help}\n# TYPE patroni_${name} ${type}\npatroni_${name}${labels} ${value}\n`
    })
    .join('')
}

function metricsOf(view: LocalView, {localVersion}: LocalPatroniSettings): readonly Metric[] {
  const {host, snapshot} = view
  const standby = host?.role === 'standby' ? host : null
  const holds = (predicate: 'primary' | 'standby-leader') =>
    host !== null && eligibilityOf(predicate, snapshot, host, noLimits).ok
  const isPrimary = holds('primary')
  const isStandbyLeader = holds('standby-leader')
  const location = host?.role === 'primary' ? positionOf(host.lsn) : 0
  return [
    ['version', 'Patroni semver without periods.', Number(localVersion.split('.').map(padded).join(''))],
    [
      'postgres_running',
      'Value is 1 if Postgres is running, 0 otherwise.',
      +(host !== null && host.role !== 'unavailable'),
    ],
    ['postmaster_start_time', 'Epoch seconds since Postgres started.', (host?.startedAt ?? 0) / 1000],
    ...(isBefore(localVersion, 4) ? [['master', leaderHelp, +isPrimary] as const] : []),
    ['primary', leaderHelp, +isPrimary],
    [
      'xlog_location',
      'Current location of the Postgres transaction log, 0 if this node is not the leader.',
      location ?? 0,
    ],
    ['standby_leader', 'Value is 1 if this node is the standby_leader, 0 otherwise.', +isStandbyLeader],
    ['replica', 'Value is 1 if this node is a replica, 0 otherwise.', +(standby !== null && !isStandbyLeader)],
    ['sync_standby', 'Value is 1 if this node is a sync standby, 0 otherwise.', +(standby?.syncState === 'sync')],
    ['quorum_standby', 'Value is 1 if this node is a quorum standby, 0 otherwise.', +(standby?.syncState === 'quorum')],
    [
      'xlog_received_location',
      'Current location of the received Postgres transaction log, 0 if this node is not a replica.',
      positionOf(standby?.receiveLsn ?? null) ?? 0,
    ],
    [
      'xlog_replayed_location',
      'Current location of the replayed Postgres transaction log, 0 if this node is not a replica.',
      positionOf(standby?.lsn ?? null) ?? 0,
    ],
    ['xlog_paused', 'Value is 1 if the Postgres xlog is paused, 0 otherwise.', +(standby?.replayPaused ?? false)],
    [
      'postgres_streaming',
      'Value is 1 if Postgres is streaming, 0 otherwise.',
      +(host !== null && replicationState(host) !== null),
    ],
    ['postgres_server_version', 'Version of Postgres (if running), 0 otherwise.', host?.serverVersion ?? 0],
    ['postgres_timeline', 'Postgres timeline of this node (if running), 0 otherwise.', (host && timelineOf(host)) ?? 0],
    ['dcs_last_seen', 'Epoch timestamp when every host was last asked.', lastRound(view)],
  ]
}

const leaderHelp = 'Value is 1 if this node is the leader, 0 otherwise.'
const padded = (part: string): string => part.padStart(2, '0')
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
