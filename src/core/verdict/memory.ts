import {following} from '../evidence/followers.ts'
import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {furthest, isBeyond, lsnDifference} from '../facts/lsn.ts'
import {blankMemory, type GroupMemory, noTimelines, type Timelines, untold, type Writer} from './group-memory.ts'
import {type FirstSeen, leftOf, noteFirstSeen, noteLeftBehind} from './lossy-promotion.ts'
import {beyond, furthestOf, notePositions, type Position} from './positions.ts'
import {rivalsOf} from './rivals.ts'
import {type Deposed, noteDeposed, noteLoss, type RoutedPrimary, unseenRival} from './sustained.ts'
import {
  isVoid,
  merged,
  noteTimeline,
  noteWriter,
  pairOf,
  pruned,
  unprovenOf,
  withLeft,
  withoutPast,
  writerOf,
} from './timelines.ts'

/** What is carried from one judgement to the next, and ends with the process: it is about moments. */
export type Notes = Readonly<{
  positions: readonly Position[]
  /** Monotonic: the latest answer of a standby that raised what an unseen primary had. */
  raisedAt: number | null
  firstSeen: readonly FirstSeen[]
  routed: RoutedPrimary | null
  deposed: Deposed | null
}>
export const noNotes: Notes = {positions: [], raisedAt: null, firstSeen: [], routed: null, deposed: null}

export type Remembered = Readonly<{memory: GroupMemory; notes: Notes}>

/**
 * What is remembered once this view is taken in (DESIGN 4.1, 4.2): the identity that was learned,
 * who wrote on which timeline and how far, what an operator overruled, and the rivals of a split
 * brain that has not ended.
 */
export function remember({memory, notes}: Remembered, view: GroupView, maxAgeMs: number): Remembered {
  const {identity} = view
  const isKnown = identity.kind === 'known'
  // The configuration names another cluster now. What the old one left is not its past.
  if (isKnown && memory.systemIdentifier !== null && memory.systemIdentifier !== identity.systemIdentifier)
    return remember(
      {memory: {...blankMemory, systemIdentifier: identity.systemIdentifier}, notes: noNotes},
      view,
      maxAgeMs,
    )

  const primaries = view.members.filter(({session}) => session === 'primary')
  const measuring = (timeline: number) => primaries.filter((primary) => primary.timeline === timeline)
  const isMeasured = ({timeline, answeredAt}: Position) =>
    measuring(timeline).length > 0 && measuring(timeline).every(({askedAt}) => (askedAt ?? 0) >= answeredAt)
  const positions = notePositions(notes.positions, view)
  const routed = noteLoss(notes.routed, view)
  const deposed = noteDeposed(notes.deposed, routed, view)
  const streaming = streamingAgain(view, primaries, maxAgeMs)
  // A standby can attach to a primary that was restored, and still hold what that one lacks.
  const isBack = (host: string) => streaming.includes(host) && !isAhead(memberOf(view, host), primaries[0])
  const voidStandbys = Object.fromEntries(Object.entries(memory.voidStandbys).filter(([host]) => !isBack(host)))
  const firstSeen = noteFirstSeen(notes.firstSeen, view)
  const evidence: Noting = {view, primaries, positions, voidStandbys, firstSeen, raisedAt: notes.raisedAt, maxAgeMs}
  const {unproven = {}, ...proven} = memory
  const noted = isKnown
    ? noteCluster(merged(memory, unprovenOf(memory, identity.systemIdentifier)), view.members, evidence)
    : {wrote: memory.wrote, voids: memory.voids}
  const open = isKnown ? {} : noteClusters(unproven, evidence)
  return {
    memory: {
      ...proven,
      ...noted,
      ...(Object.keys(open).length > 0 && {unproven: open}),
      hosts: view.members.map(({host}) => host),
      systemIdentifier: isKnown ? identity.systemIdentifier : memory.systemIdentifier,
      voidStandbys,
      rivals: rivalsOf(memory.rivals, view, unseenRival(deposed, routed, view)),
    },
    notes: {
      routed,
      deposed,
      positions: positions.filter((position) => !isMeasured(position)),
      raisedAt: raisedAt(notes.raisedAt, noted.wrote, evidence),
      firstSeen,
    },
  }
}

type Noting = Readonly<{
  view: GroupView
  primaries: readonly Member[]
  positions: readonly Position[]
  voidStandbys: GroupMemory['voidStandbys']
  firstSeen: readonly FirstSeen[]
  raisedAt: number | null
  maxAgeMs: number
}>

/**
 * While the group's cluster is unknown, the timeline of a foreign host would make the right primary
 * look old for ever. Each cluster therefore has timelines of its own.
 */
function noteClusters(before: Readonly<Record<string, Timelines>>, evidence: Noting): Record<string, Timelines> {
  const clusterOf = ({record}: Member) => factsOf(record)?.session.systemIdentifier ?? untold
  const speaking = evidence.view.members.filter(({condition}) => condition.role !== 'unavailable')
  const clusters = new Set(speaking.map(clusterOf))
  const noted = [...clusters].map((cluster) => {
    const members = speaking.filter((member) => clusterOf(member) === cluster)
    return [cluster, noteCluster(before[cluster] ?? noTimelines, members, evidence)] as const
  })
  return {...before, ...Object.fromEntries(noted)}
}

function noteCluster(before: Timelines, members: readonly Member[], evidence: Noting): Timelines {
  const primaries = evidence.primaries.filter((primary) => members.includes(primary))
  let timelines = ended(before, evidence)
  for (const primary of primaries) {
    const writer = writerOf(primary, evidence.view)
    if (writer === null) continue
    timelines = noteWriter(withLoss(timelines, primary, writer, evidence), writer)
    timelines = noteLeftBehind(timelines, writer, {...evidence, members})
  }
  for (const {timeline, diskTimeline, session} of members) {
    if (session !== 'standby' || timeline === null) continue
    timelines = noteTimeline(noteTimeline(timelines, timeline), Math.max(timeline, diskTimeline ?? 0))
  }
  return pruned(withUnseen(timelines, evidence))
}

/** Has the standby shown a position that the primary has not reached yet? */
const isAhead = (standby: Member | null, primary: Member | undefined): boolean =>
  standby !== null && primary !== undefined && isBeyond(furthestOf(standby), factsOf(primary.record)?.facts.lsn ?? null)

/** Hosts that are standbys of the sole primary now, directly or through a cascade. */
function streamingAgain(view: GroupView, primaries: readonly Member[], maxAgeMs: number): readonly string[] {
  const [sole] = primaries
  if (sole === undefined || primaries.length > 1) return []
  return view.members
    .filter((member) => member.session === 'standby' && following(member, sole, view, maxAgeMs).follows === true)
    .map(({host}) => host)
}

/** A rebuild heals without a word: pairs, losses and voids of a host that streams again are over. */
function ended(timelines: Timelines, {view, primaries, maxAgeMs}: Noting): Timelines {
  const streaming = streamingAgain(view, primaries, maxAgeMs)
  const [sole] = primaries
  const isHealed = (host: string | null, accepted: string) => {
    if (host !== null && streaming.includes(host)) return true
    return sole !== undefined && sole.host === host && streaming.includes(accepted)
  }
  const voids = timelines.voids.filter((item) => !isHealed(item.host, item.for))
  const isOver = (pair: Writer) =>
    pair.host !== null && streaming.includes(pair.host) && (pair.timeline === sole?.timeline || isVoid(timelines, pair))
  const isStandby = (host: string | null) =>
    view.members.some((member) => member.host === host && member.session === 'standby')
  const wrote = timelines.wrote
    .filter((pair) => !isOver(pair))
    .map((pair) => (isStandby(pair.host) ? withoutPast(pair) : withLeft(pair, leftOf(pair, view))))
  return {wrote, voids}
}

/** (c) and (d): what the primary no longer has, of what it or a standby is known to have had. */
function withLoss(timelines: Timelines, primary: Member, writer: Writer, evidence: Noting): Timelines {
  // One answer may tell a flush that came after the write that it tells. Both are what it has now.
  const now = furthest(factsOf(primary.record)?.facts.lsn ?? null, writer.lsn)
  const {own} = pairOf(writer, timelines)
  const askedAt = primary.askedAt ?? 0
  if (now === null || (own !== undefined && own.lost !== null)) return timelines
  const due = evidence.positions.filter(
    (position) =>
      position.timeline === writer.timeline && position.host !== writer.host && position.answeredAt <= askedAt,
  )
  const ahead = due.flatMap((position) => {
    const lsn = beyond(position, now, evidence.voidStandbys[position.host] ?? null)
    return lsn === null ? [] : [{lsn, by: position.host}]
  })
  const wasAskedSince = own?.by === own?.host || askedAt >= (evidence.raisedAt ?? 0)
  if (own !== undefined && wasAskedSince && isBeyond(own.lsn, now) && own.lsn !== null)
    ahead.push({lsn: own.lsn, by: own.by ?? writer.host ?? ''})
  const furthestAhead = ahead.reduce<(typeof ahead)[number] | null>(
    (most, item) => (most === null || isBeyond(item.lsn, most.lsn) ? item : most),
    null,
  )
  if (furthestAhead === null) return timelines
  const lost = {...noteWriter(timelines, writer)}
  const wrote = lost.wrote.map((pair) =>
    pair.timeline === writer.timeline && pair.host === writer.host ? {...pair, ...furthestAhead, lost: now} : pair,
  )
  return {...lost, wrote}
}

/** While a primary is unseen, what a standby received on its timeline is what it must still have. */
function withUnseen(timelines: Timelines, {positions, primaries, voidStandbys}: Noting): Timelines {
  const received = (pair: Writer) =>
    positions.filter(
      ({host, timeline, received}) =>
        timeline === pair.timeline &&
        host !== pair.host &&
        isBeyond(received, pair.lsn) &&
        !(voidStandbys[host] !== undefined && !isBeyond(received, voidStandbys[host])),
    )
  const wrote = timelines.wrote.map((pair) => {
    if (!isUnseenWriter(pair, timelines.wrote, primaries)) return pair
    const [most] = received(pair).sort((one, other) => lsnDifference(other.received, one.received) ?? 0)
    return most === undefined ? pair : {...pair, lsn: most.received, by: most.host}
  })
  return {...timelines, wrote}
}

const isUnseenWriter = (pair: Writer, wrote: readonly Writer[], primaries: readonly Member[]): boolean =>
  pair.host !== null &&
  pair.lsn !== null &&
  pair.lost === null &&
  !primaries.some(({host, timeline}) => host === pair.host || timeline === pair.timeline) &&
  wrote.filter(({timeline}) => timeline === pair.timeline).length === 1

function raisedAt(before: number | null, wrote: readonly Writer[], {positions}: Noting): number | null {
  const raising = positions.filter(({host, received}) => wrote.some(({by, lsn}) => by === host && lsn === received))
  return raising.reduce<number | null>((latest, {answeredAt}) => Math.max(latest ?? answeredAt, answeredAt), before)
}
