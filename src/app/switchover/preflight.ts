import {OperatorError} from '../../core/errors.ts'
import {unknownNameError} from '../../core/unknown-name.ts'
import type {WireGroup, WireHost, WireSnapshot} from '../../protocol/snapshot-json.ts'
import type {Move} from './tool.ts'

export type Asked = Readonly<{host: string | null; group: string | null; maxLagBytes: number}>

/** The switch that is meant, and what speaks for care without forbidding it. */
export type Planned = Readonly<{move: Move & {to: string}; warnings: readonly string[]}>

/**
 * Whether the group may be switched over, and to which host. Throws OperatorError with every reason
 * against it. Without a host, the standby with the best sync state and the least lag is taken.
 */
export function planSwitch(snapshot: WireSnapshot, asked: Asked): Planned {
  const [name, group] = groupOf(snapshot, asked)
  const {verdict} = group
  const from = verdict.routed_to
  if (snapshot.maintenance !== null)
    throw refused('maintenance is on, so the daemon changes no router', 'Run "pgroute66 maintenance off" first.')
  if (from === null || verdict.situation !== 'healthy')
    throw refused(`${name} is not healthy (${verdict.situation ?? verdict.kind}): ${verdict.why}`, 'Repair it first.')
  const standbys = group.hosts.filter((host) => host !== from)
  const to = asked.host ?? best(standbys, snapshot, asked)
  if (to === null) {
    const all = standbys.flatMap((host) => reasonsAgainst(host, from, snapshot, asked))
    throw refused(`no standby of ${name} may take over: ${all.join('; ')}`, 'Repair one of them first.')
  }
  if (to === from) throw refused(`${to} is the primary already`, 'Name a standby.')
  const reasons = reasonsAgainst(to, from, snapshot, asked)
  if (reasons.length > 0) throw refused(reasons.join('; '), 'Name another standby, or wait until it has caught up.')
  return {move: {group: name, from, to}, warnings: warningsFor(to, standbys, snapshot)}
}

const refused = (why: string, next: string) => new OperatorError('SWITCHOVER_REFUSED', why, next)

function groupOf({groups, hosts}: WireSnapshot, {host, group}: Asked): readonly [string, WireGroup] {
  const names = Object.keys(groups)
  if (host !== null && hosts[host] === undefined) throw unknownNameError('host', host, Object.keys(hosts))
  if (group !== null && groups[group] === undefined) throw unknownNameError('group', group, names)
  const meant = names.filter(
    (name) => (group === null || name === group) && (host === null || groups[name]?.hosts.includes(host)),
  )
  const [first, second] = meant
  const found = first === undefined ? undefined : groups[first]
  if (first !== undefined && found !== undefined && second === undefined) return [first, found]
  if (first === undefined) throw refused(`${host} is not in the group ${group}`, `Groups: ${names.join(', ')}.`)
  throw new OperatorError('USAGE_GROUP', `several groups are meant: ${meant.join(', ')}`, 'Add --group NAME.')
}

function reasonsAgainst(name: string, from: string, {hosts}: WireSnapshot, {maxLagBytes}: Asked): readonly string[] {
  const {[name]: host, [from]: primary} = hosts
  if (host === undefined || host.role === 'unavailable')
    return [`${name} is unavailable (${host?.cause ?? 'unknown'}${host?.detail ? `: ${host.detail}` : ''})`]
  if (host.role !== 'standby') return [`${name} is a ${host.role}, not a standby`]
  const isStreaming = host.receiver_state === 'streaming' || host.replication_state === 'streaming'
  const lag = host.lag_bytes
  return [
    ...(host.drained ? [`${name} is drained by ${host.drained.by}`] : []),
    ...(host.delayed ? [`${name} replays late on purpose (recovery_min_apply_delay)`] : []),
    ...(host.replay_paused ? [`replay is paused on ${name}`] : []),
    ...(isStreaming ? [] : [`${name} does not stream`]),
    ...(host.timeline !== primary?.timeline
      ? [`${name} is on timeline ${host.timeline ?? '?'}, and ${from} on ${primary?.timeline ?? '?'}`]
      : []),
    ...(lag === null ? [`the lag of ${name} is not known`] : []),
    ...(lag !== null && lag > maxLagBytes ? [`${name} lags by ${lag} bytes, and --max-lag is ${maxLagBytes}`] : []),
  ]
}

const rank: Readonly<Record<string, number>> = {sync: 0, quorum: 1}

function best(standbys: readonly string[], snapshot: WireSnapshot, asked: Asked): string | null {
  const from = (host: string) => snapshot.groups[groupOf(snapshot, {...asked, host: host})[0]]?.verdict.routed_to ?? ''
  const able = standbys.filter((host) => reasonsAgainst(host, from(host), snapshot, asked).length === 0)
  const keyOf = (host: string) => {
    const {sync_state: sync, lag_bytes: lag} = snapshot.hosts[host] as WireHost
    return [rank[sync ?? ''] ?? 2, lag ?? 0] as const
  }
  const [first] = able.toSorted((one, other) => {
    const [a, b] = [keyOf(one), keyOf(other)]
    return a[0] - b[0] || a[1] - b[1] || (one < other ? -1 : 1)
  })
  return first ?? null
}

/** Where replication is synchronous, another target than the synchronous one may lack commits. */
function warningsFor(to: string, standbys: readonly string[], {hosts}: WireSnapshot): readonly string[] {
  const synchronous = standbys.filter((host) => ['sync', 'quorum'].includes(hosts[host]?.sync_state ?? ''))
  if (synchronous.length === 0 || synchronous.includes(to)) return []
  return [`${to} is asynchronous; ${synchronous.join(' and ')} is synchronous`]
}
