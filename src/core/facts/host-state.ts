import type {AnyHost, Availability, Delay, HostState} from '../snapshot.ts'
import {isBlind} from '../vocabulary.ts'
import {type GroupView, type Member, memberOf} from './group-view.ts'
import {factsOf, serverAddressesOf} from './host-record.ts'
import {lagOf} from './lag.ts'
import type {Sender} from './observation.ts'
import {rowOf} from './upstream.ts'

export type DescribeQuestion = Readonly<{
  member: Member
  view: GroupView
  /** The one primary that lag is measured against, by name. */
  primary: string | null
  groups: readonly string[]
  availabilityOn: boolean
  /** Wall clock: since when the host has been what it is. */
  since: number
}>

/** The public state of one host. */
export function describeHost({member, view, primary, groups, availabilityOn, since}: DescribeQuestion): HostState {
  const {record, condition, upstream, timeline} = member
  const seen = factsOf(record)
  const common: AnyHost = {
    host: record.settings.name,
    since,
    askedAt: member.askedAt,
    address: record.settings.connection.host,
    addresses: serverAddressesOf(record),
    port: record.settings.connection.port,
    groups,
    location: record.settings.location,
    drained: record.drained,
    serverVersion: seen?.session.serverVersion ?? null,
    clusterName: seen?.session.clusterName ?? null,
    systemIdentifier: seen?.session.systemIdentifier ?? null,
    startedAt: seen?.session.startedAt ?? null,
    probeMs: record.observation?.kind === 'facts' ? record.observation.probeMs : null,
    availability: availabilityOn ? availabilityOf(member) : null,
  }
  // What a host said before it became unavailable is history, not state.
  if (condition.role === 'unavailable' || seen === null) {
    const {cause, detail} = condition
    return {...common, role: 'unavailable', cause, detail, blind: isBlind(cause)}
  }
  const {lsn, senders, readOnly, backendsUsed, backendsMax, receiver, receiveLsn, replayPaused} = seen.facts
  const answering = {...common, timeline, lsn, senders, readOnly, backendsUsed, backendsMax}
  if (condition.role === 'primary') return {...answering, role: 'primary'}
  const row = senderRow(member, view)
  return {
    ...answering,
    role: 'standby',
    ...lagOf(member, primary === null ? null : memberOf(view, primary)),
    upstream: upstream.kind === 'host' ? upstream.host : upstream.kind === 'elsewhere' ? upstream.address : null,
    receiver,
    receiveLsn,
    replicationState: row?.state ?? null,
    syncState: row?.syncState ?? null,
    replayPaused,
    delayed: delayOf(member, seen.facts.applyDelayMs),
  }
}

function delayOf({record}: Member, delayMs: number | null): Delay | null {
  return delayMs !== null && delayMs > 0 ? {delayMs, isReadable: record.settings.delayed === 'read'} : null
}

/** The rows of a host that is not available are old, or another cluster's. */
function senderRow({record, upstream}: Member, view: GroupView): Sender | null {
  const sender = upstream.kind === 'host' ? memberOf(view, upstream.host) : null
  if (sender === null || sender.condition.role === 'unavailable') return null
  const records = view.members.map((other) => other.record)
  return rowOf(sender.record, record, records)
}

function availabilityOf({record, condition}: Member): Availability {
  const {heartbeat} = record
  const askedAt = heartbeat?.askedAt ?? record.observation?.askedAt ?? 0
  if (condition.role === 'unavailable')
    return {
      kind: 'unknown',
      why: `${record.settings.name} is unavailable (${condition.cause ?? 'not asked yet'})`,
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
