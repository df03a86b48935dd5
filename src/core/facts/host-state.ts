import type {HostState} from '../snapshot.ts'
import {isBlind} from '../vocabulary.ts'
import {type GroupView, type Member, memberOf} from './group-view.ts'
import {factsOf} from './host-record.ts'
import {lagOf, unknownLag} from './lag.ts'
import {rowOf} from './upstream.ts'

/**
 * The public state of one host. `primary`: the name of the one primary that lag is measured
 * against. `since` is settled by the caller.
 */
export function describeHost(
  member: Member,
  view: GroupView,
  primary: string | null,
  groups: readonly string[],
  availabilityOn: boolean,
): Omit<HostState, 'since'> {
  const {record, condition: standing, upstream, timeline} = member
  const isUp = standing.role !== 'unavailable'
  // What a host said before it became unavailable is history, not state; who it is remains worth
  // showing.
  const seen = factsOf(record)
  const facts = isUp ? (seen?.facts ?? null) : null
  const sender = upstream.kind === 'host' ? memberOf(view, upstream.host) : null
  // The rows of a host that is not available are old, or another cluster's.
  const row =
    sender && sender.condition.role !== 'unavailable'
      ? rowOf(
          sender.record,
          record,
          view.members.map((other) => other.record),
        )
      : null
  const lag =
    standing.role === 'standby' ? lagOf(member, primary === null ? null : memberOf(view, primary)) : unknownLag
  return {
    host: record.settings.name,
    role: standing.role,
    cause: standing.cause,
    detail: standing.detail,
    blind: isBlind(standing.cause),
    askedAt: member.askedAt,
    address: record.settings.connection.host,
    port: record.settings.connection.port,
    groups,
    location: record.settings.location,
    drained: record.drained,
    serverVersion: seen?.session.serverVersion ?? null,
    clusterName: seen?.session.clusterName ?? null,
    systemIdentifier: seen?.session.systemIdentifier ?? null,
    startedAt: seen?.session.startedAt ?? null,
    timeline,
    lsn: facts?.lsn ?? null,
    ...lag,
    upstream: upstream.kind === 'host' ? upstream.host : upstream.kind === 'elsewhere' ? upstream.address : null,
    receiver: facts?.receiver ?? null,
    senders: facts?.senders ?? [],
    replicationState: row?.state ?? null,
    syncState: row?.syncState ?? null,
    readOnly: facts?.readOnly ?? null,
    replayPaused: facts?.replayPaused ?? null,
    backendsUsed: facts?.backendsUsed ?? null,
    backendsMax: facts?.backendsMax ?? null,
    probeMs: record.observation?.kind === 'facts' ? record.observation.probeMs : null,
    availability: availabilityOn ? availabilityOf(member) : null,
  }
}

function availabilityOf({record, condition: standing}: Member): HostState['availability'] {
  const {heartbeat} = record
  const askedAt = heartbeat?.askedAt ?? record.observation?.askedAt ?? 0
  if (standing.role === 'unavailable')
    return {
      kind: 'unknown',
      why: `${record.settings.name} is unavailable (${standing.cause ?? 'not asked yet'})`,
      askedAt,
    }
  if (heartbeat === null) return {kind: 'unknown', why: 'no heartbeat yet', askedAt}
  if (heartbeat.kind === 'beat') return {kind: 'ok', delayMs: 0, askedAt}
  if (heartbeat.kind === 'read') {
    return heartbeat.delayMs === null
      ? {kind: 'unknown', why: 'no heartbeat has reached this host yet', askedAt}
      : {kind: 'ok', delayMs: heartbeat.delayMs, askedAt}
  }
  return {kind: 'unknown', why: heartbeat.detail, askedAt}
}
