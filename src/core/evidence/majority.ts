import {type GroupView, type Member, memberOf, oldest} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import type {SourceAnswer} from './evidence-source.ts'

/**
 * `majority`: more than half of the configured hosts answer. A daemon that is cut off in a minority
 * with the old primary does not route to it. Not exclusive: see DESIGN 4.2. A standby that hears
 * from another server than `leader` denies it: that server may be a primary out of our sight.
 */
export function assessMajority(leader: Member, view: GroupView, maxAgeMs: number): SourceAnswer {
  const answering = view.members.filter(({condition}) => condition.role !== 'unavailable')
  const isMost = answering.length * 2 > view.members.length
  const other = answering.flatMap((member) => hearsAnother(member, {leader, view, maxAgeMs}) ?? [])[0]
  const why = `${answering.length} of ${view.members.length} hosts answer`
  return {
    subject: leader.host,
    answer: isMost && other === undefined ? 'confirms' : 'denies',
    why: other === undefined ? why : `${why}, but ${other}`,
    askedAt: oldest(isMost ? answering : view.members),
  }
}

type Hearing = Readonly<{leader: Member; view: GroupView; maxAgeMs: number}>

/** In words, whom a standby hears from that is not `leader`; `null`: no one, or it cannot be told. */
function hearsAnother(standby: Member, {leader, view, maxAgeMs}: Hearing): string | null {
  const receiver = factsOf(standby.record)?.facts.receiver ?? null
  if (standby.condition.role !== 'standby' || receiver?.status !== 'streaming') return null
  const ageMs = (receiver.lastMessageAgeMs ?? Number.POSITIVE_INFINITY) + (view.now - (standby.answeredAt ?? view.now))
  if (ageMs > maxAgeMs) return null
  const {upstream} = standby
  if (upstream.kind === 'elsewhere') {
    const {receivedTimeline: timeline} = receiver
    const stranger = `${upstream.address}, which is no configured host`
    const isAnother = timeline !== null && timeline !== leader.timeline
    return isAnother ? `${standby.host} streams timeline ${timeline} from ${stranger}` : null
  }
  const root = rootOf(standby, view)
  return root === null || root === leader.host ? null : `${standby.host} still hears from ${root}`
}

/** The host at the top of a cascade, where that one is not seen as a standby. */
function rootOf(standby: Member, view: GroupView, seen: readonly string[] = []): string | null {
  const {upstream} = standby
  if (upstream.kind !== 'host' || seen.includes(upstream.host)) return null
  const sender = memberOf(view, upstream.host)
  if (sender?.condition.role === 'standby') return rootOf(sender, view, [...seen, upstream.host])
  return upstream.host
}
