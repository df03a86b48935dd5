import {conditionOf, factsOf, type HostCondition, type HostRecord} from './host-record.ts'
import {foreignTo, type Identity} from './identity.ts'
import {type Upstream, upstreamOf} from './upstream.ts'

/** One host of a group as the judge sees it: its condition as of now, and its upstream. */
export type Member = Readonly<{
  host: string
  record: HostRecord
  condition: HostCondition
  /**
   * What its session answers, whatever a knock or a heartbeat has against it; `null`: no fresh
   * answer, another cluster, or a duplicate.
   */
  session: 'primary' | 'standby' | null
  timeline: number | null
  /** The highest timeline of its WAL, where that is more than it tells: proof of a later primary. */
  diskTimeline: number | null
  /** Monotonic. */
  askedAt: number | null
  /** Monotonic; `null`: never asked. */
  answeredAt: number | null
  upstream: Upstream
}>

/** The group as of `now`: the only thing that sources of evidence and the judge look at. */
export type GroupView = Readonly<{
  /** `null`: no group, but one host that no group names. */
  group: string | null
  now: number
  identity: Identity
  members: readonly Member[]
}>

export type ViewQuestion = Readonly<{
  /** `null`: one host that no group names. */
  group: string | null
  records: readonly HostRecord[]
  identity: Identity
  now: number
  maxAgeMs: number
}>

export function viewGroup({group, records, identity, now, maxAgeMs}: ViewQuestion): GroupView {
  const conditions = records.map((record) => conditionOf(record, now, maxAgeMs, foreignTo(identity, record)))
  const speaking = records.filter((_, index) => conditions[index]?.role !== 'unavailable')
  const members = records.map((record, index): Member => {
    const condition = conditions[index] as HostCondition
    const isUp = condition.role !== 'unavailable'
    return {
      host: record.settings.name,
      record,
      condition,
      session: sessionRole(record, condition),
      timeline: isUp ? timelineOf(record) : null,
      diskTimeline: isUp ? (factsOf(record)?.facts.diskTimeline ?? null) : null,
      askedAt: record.observation?.askedAt ?? null,
      answeredAt: record.observation === null ? null : record.observation.askedAt + record.observation.probeMs,
      upstream: condition.role === 'standby' ? upstreamOf(record, records, speaking) : {kind: 'none'},
    }
  })
  return {group, now, identity, members}
}

export const memberOf = (view: GroupView, host: string): Member | null =>
  view.members.find((member) => member.host === host) ?? null

/** When the oldest of the questions behind an answer was sent; `null`: none was. */
export const oldest = (members: readonly Member[]): number | null =>
  members.reduce<number | null>(
    (least, {askedAt}) => (askedAt === null ? least : Math.min(least ?? askedAt, askedAt)),
    null,
  )

/** What has gone stale, is another cluster's, or is another name of a member does not speak. */
function sessionRole(record: HostRecord, {cause}: HostCondition): Member['session'] {
  const seen = factsOf(record)
  if (seen === null || cause === 'stale' || cause === 'foreign-cluster' || cause === 'duplicate') return null
  return seen.facts.inRecovery ? 'standby' : 'primary'
}

/** A standby's timeline never falls while its postmaster is the same. */
function timelineOf(record: HostRecord): number | null {
  const seen = factsOf(record)
  if (seen === null) return null
  return seen.facts.inRecovery && record.reached !== null
    ? Math.max(record.reached.timeline, seen.facts.timeline ?? 0)
    : seen.facts.timeline
}
