import {type GroupView, type Member, memberOf, oldest} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {enumerate} from '../phrases.ts'
import type {SourceAnswer} from './evidence-source.ts'

/** Does `member` follow `leader`? `null`: it cannot be told, which is neither yes nor no. */
type Following = Readonly<{follows: boolean | null; why: string}>

/**
 * Does a standby stream from `leader`, directly or through a cascade (DESIGN 4.3)? Its receiver
 * must be streaming, on the leader's timeline, and have heard from its sender within `maxAgeMs`: a
 * dead primary looks "streaming" for a minute.
 */
export const following = (member: Member, leader: Member, view: GroupView, maxAgeMs: number): Following =>
  followingBeyond(member, {leader, view, maxAgeMs, seen: []})

/** `seen`: the standbys below `member` in the cascade; meeting one of them again is a circle. */
type Cascade = Readonly<{leader: Member; view: GroupView; maxAgeMs: number; seen: readonly string[]}>

function followingBeyond(member: Member, cascade: Cascade): Following {
  const {leader, view, maxAgeMs, seen} = cascade
  const {host, condition, upstream, record} = member
  if (condition.role === 'unavailable') {
    const isApart = condition.cause === 'foreign-cluster' || condition.cause === 'duplicate'
    return {follows: isApart ? false : null, why: `${host} is unavailable (${condition.cause ?? 'not asked yet'})`}
  }
  if (condition.role === 'primary') return {follows: false, why: `${host} is primary itself`}
  const observation = record.observation
  const receiver = factsOf(record)?.facts.receiver ?? null
  if (receiver === null || observation === null) return {follows: false, why: `${host} streams from no host`}
  if (upstream.kind === 'blind')
    return {follows: null, why: `${host} does not let pgroute66 read pg_stat_wal_receiver (grant pg_read_all_stats)`}
  if (receiver.status !== 'streaming') return {follows: false, why: `${host} does not stream (${receiver.status})`}
  if (receiver.receivedTimeline === null || leader.timeline === null) {
    return {follows: null, why: `the timeline of ${receiver.receivedTimeline === null ? host : leader.host} is unknown`}
  }
  if (receiver.receivedTimeline !== leader.timeline) {
    return {
      follows: false,
      why: `${host} streams on timeline ${receiver.receivedTimeline}, ${leader.host} is on ${leader.timeline}`,
    }
  }
  const ageMs = receiver.lastMessageAgeMs === null ? null : receiver.lastMessageAgeMs + (view.now - observation.askedAt)
  if (ageMs === null || ageMs > maxAgeMs) {
    const when = ageMs === null ? 'at an unknown time' : `${Math.round(ageMs / 1000)} s ago`
    return {follows: null, why: `${host} last heard from its sender ${when}`}
  }
  if (upstream.kind === 'elsewhere')
    return {follows: null, why: `${host} streams from ${upstream.address}, which is no configured host (see aliases)`}
  if (upstream.kind === 'none') return {follows: false, why: `${host} streams from no host`}
  if (upstream.host === leader.host) return {follows: true, why: `${host} streams from ${leader.host}`}
  const via = memberOf(view, upstream.host)
  if (via === null || seen.includes(via.host)) return {follows: false, why: `${host} streams from ${upstream.host}`}
  const through = followingBeyond(via, {...cascade, seen: [...seen, host]})
  return {
    follows: through.follows,
    why: through.follows
      ? `${host} streams from ${leader.host} through ${via.host}`
      : `${host} streams from ${via.host}`,
  }
}

/** The standbys that certainly follow `leader`. */
export const followersOf = (leader: Member, view: GroupView, maxAgeMs: number): readonly string[] =>
  view.members
    .filter((member) => member !== leader && following(member, leader, view, maxAgeMs).follows === true)
    .map(({host}) => host)

/**
 * `followers`: more than half of the configured hosts are `leader` or follow it. The answer is
 * silent where hosts that cannot be judged could tip it.
 */
export function assessFollowers(leader: Member, view: GroupView, maxAgeMs: number): SourceAnswer {
  const others = view.members.filter((member) => member !== leader)
  const answers = others.map((member) => ({member, ...following(member, leader, view, maxAgeMs)}))
  const yes = answers.filter(({follows}) => follows === true)
  const unknown = answers.filter(({follows}) => follows === null)
  const isMost = (count: number) => count * 2 > view.members.length
  const askedAt = oldest([leader, ...yes.map(({member}) => member)])
  if (isMost(1 + yes.length)) {
    const on = leader.timeline === null ? '' : ` on timeline ${leader.timeline}`
    const why =
      yes.length === 0
        ? `${leader.host} is the whole group`
        : `${enumerate(yes.map(({member}) => member.host))} follow${yes.length === 1 ? 's' : ''} ${leader.host}${on}`
    return {subject: leader.host, answer: 'confirms', why, askedAt}
  }
  const missing = answers.filter(({follows}) => follows !== true).map(({why}) => why)
  const why = `${yes.length} of ${others.length} others follow ${leader.host}: ${missing.join('; ')}`
  return {
    subject: leader.host,
    answer: isMost(1 + yes.length + unknown.length) ? 'silent' : 'denies',
    why,
    askedAt: oldest(view.members),
  }
}
