import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf, hasMoved} from '../facts/host-record.ts'
import type {Cause} from '../vocabulary.ts'

/**
 * The primary that was routed to last, and what became of it (V4u, DESIGN 4.2): dead and out of our
 * sight are two things. All times are monotonic.
 */
export type RoutedPrimary = Readonly<{
  /** As it answered last: its clock then is what the times of its messages are read by. */
  last: Member
  /**
   * `answering`: it is routed to. `lost`: it is out of reach, and no majority has been heard of yet.
   * `followed`: V4u is in force. `given-up`: V4u has ended, or must not begin.
   */
  phase: 'answering' | 'lost' | 'followed' | 'given-up'
  /** From when a message of it proves that it lives; meaningless while it answers. */
  lostAt: number
}>

/** A primary that was routed to, is out of sight, and has a successor: it may be a rival. */
export type Deposed = Readonly<{last: Member; successorSeenAt: number}>

/** A primary whose question went unanswered for that long is lost. */
const unansweredMs = 250
/** The first proof must come this soon after the loss, and no proof may be older. */
const proofMs = 2_000

/**
 * What may hide a living primary. Where a server speaks, or we are blind, its word counts. Where the
 * name has moved to another server, routers that ask the name do not get to the living one.
 */
const losses: ReadonlySet<Cause | null> = new Set(['refused', 'timeout', 'closed'])

const isLost = ({condition, record}: Member): boolean =>
  losses.has(condition.cause) &&
  !record.isStopping &&
  !record.wasOrdered &&
  record.drained === null &&
  !hasMoved(record)

/** Takes in whether the routed primary still answers. `null`: it is gone, a standby, or was never there. */
export function noteLoss(before: RoutedPrimary | null, view: GroupView): RoutedPrimary | null {
  if (before === null) return null
  const member = memberOf(view, before.last.host)
  if (member === null || member.condition.role === 'standby') return null
  if (member.condition.role === 'primary' || before.phase === 'given-up') return before
  if (!isLost(member)) return {...before, phase: 'given-up'}
  return before.phase === 'answering' ? {...before, phase: 'lost', lostAt: lossOf(member, view)} : before
}

function lossOf({record: {observation}, condition}: Member, {now}: GroupView): number {
  // A knock failed, and the session still answers.
  if (observation?.kind !== 'failure') return now
  return observation.askedAt + (condition.cause === 'timeout' ? unansweredMs : 0)
}

/** The phase after a verdict. `primary`: the one that this verdict routes to in plain sight. */
export function afterVerdict(
  routed: RoutedPrimary | null,
  {
    primary,
    isFollowed,
    isStarting,
    now,
  }: Readonly<{
    primary: Member | null
    isFollowed: boolean
    isStarting: boolean
    now: number
  }>,
): RoutedPrimary | null {
  if (primary !== null) return {last: primary, phase: 'answering', lostAt: now}
  // After a gap of ours nothing is known of what happened meanwhile.
  if (routed === null || isStarting || routed.phase === 'answering') return null
  if (isFollowed) return {...routed, phase: 'followed'}
  const isTooLate = routed.phase === 'followed' || now - routed.lostAt > proofMs
  return isTooLate ? {...routed, phase: 'given-up'} : routed
}

/**
 * The standbys that are known to have received from the lost primary what it sent after the loss,
 * and until when that counts. `null`: with the primary they are no majority of the hosts.
 */
export function proofOf(
  {last, lostAt}: RoutedPrimary,
  view: GroupView,
): Readonly<{hosts: readonly string[]; until: number}> | null {
  const heard = view.members
    .flatMap((member) => {
      const at = heardThrough(member, last, view)
      return at !== null && at > lostAt && view.now - at <= proofMs ? [{host: member.host, at}] : []
    })
    .sort((one, other) => other.at - one.at)
  const needed = Math.floor(view.members.length / 2)
  const least = heard[needed - 1]
  return least === undefined ? null : {hosts: heard.map(({host}) => host).sort(), until: least.at + proofMs}
}

/** The oldest of the last messages on the way from `last` down to a standby, each by `heardAt`. */
function heardThrough(standby: Member, last: Member, view: GroupView, seen: readonly string[] = []): number | null {
  const {upstream} = standby
  if (upstream.kind !== 'host' || seen.includes(standby.host)) return null
  if (upstream.host === last.host) return heardAt(standby, last, last.timeline)
  const via = memberOf(view, upstream.host)
  const above = via === null ? null : heardThrough(via, last, view, [...seen, standby.host])
  const own = via === null ? null : heardAt(standby, via, last.timeline)
  return above === null || own === null ? null : Math.min(above, own)
}

/**
 * The moment by which the last message of `sender` was certainly sent and received; `null`: unknown.
 * Receipt alone is no proof: with replication late, a dead primary would seem to live. The clock of
 * the sender is the one that its own answer showed, at the earliest when it was asked.
 */
function heardAt(standby: Member, sender: Member, timeline: number | null): number | null {
  const receiver = factsOf(standby.record)?.facts.receiver ?? null
  const clockMs = factsOf(sender.record)?.facts.clockMs ?? null
  if (standby.condition.role !== 'standby' || receiver?.status !== 'streaming') return null
  const {lastMessageAgeMs, lastMessageSentMs, receivedTimeline} = receiver
  if (timeline === null || receivedTimeline !== timeline || clockMs === null) return null
  if (lastMessageAgeMs === null || lastMessageSentMs === null) return null
  if (standby.askedAt === null || sender.askedAt === null) return null
  return Math.min(standby.askedAt - lastMessageAgeMs, sender.askedAt + (lastMessageSentMs - clockMs))
}

/** Takes in that another host is primary while the routed one is out of sight. */
export function noteDeposed(before: Deposed | null, routed: RoutedPrimary | null, view: GroupView): Deposed | null {
  const last = routed !== null && routed.phase !== 'answering' ? routed.last : (before?.last ?? null)
  const member = last === null ? null : memberOf(view, last.host)
  const hasSuccessor = view.members.some(({session}) => session === 'primary')
  if (last === null || member === null || member.session !== null || !hasSuccessor) return null
  return before?.last.host === last.host ? before : {last, successorSeenAt: view.now}
}

/**
 * A deposed primary that lives: V4u was in force when its successor appeared, or a standby hears
 * from it after the successor had answered as primary. Then there are two, of which we see one.
 */
export function unseenRival(deposed: Deposed | null, routed: RoutedPrimary | null, view: GroupView): string | null {
  if (deposed === null) return null
  const {last, successorSeenAt} = deposed
  const isSustained = routed?.phase === 'followed' && routed.last.host === last.host
  const isHeard = view.members.some(({host, upstream}) => {
    if (upstream.kind !== 'host' || upstream.host !== last.host) return false
    const member = memberOf(view, host)
    const at = member === null ? null : heardAt(member, last, last.timeline)
    return at !== null && at > successorSeenAt
  })
  return isSustained || isHeard ? last.host : null
}
