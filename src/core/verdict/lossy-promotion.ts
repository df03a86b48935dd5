import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {isBeyond, lsnDifference} from '../facts/lsn.ts'
import type {Lsn} from '../facts/observation.ts'
import type {LeftBehind, Timelines, Writer} from './group-memory.ts'
import {pairOf, withLeft} from './timelines.ts'

/** Where a primary was when it was first seen as one: at or past the fork of its timeline. */
export type FirstSeen = Readonly<{
  host: string
  timeline: number
  lsn: Lsn
  /** Monotonic. */
  answeredAt: number
}>

/** Takes in the primaries of this view. What was seen of a host ends when it is a standby. */
export function noteFirstSeen(before: readonly FirstSeen[], {members}: GroupView): readonly FirstSeen[] {
  return members.flatMap(({host, session, timeline, record, answeredAt}) => {
    const known = before.find((first) => first.host === host)
    if (session === 'standby') return []
    if (session !== 'primary' || timeline === null || known?.timeline === timeline) return known ?? []
    const lsn = factsOf(record)?.facts.lsn ?? null
    return lsn === null || answeredAt === null ? [] : [{host, timeline, lsn, answeredAt}]
  })
}

type Proof = Readonly<{members: readonly Member[]; firstSeen: readonly FirstSeen[]}>

/**
 * Notes which standbys hold WAL of an earlier timeline that the primary lacked when it was promoted:
 * the promotion lost it, and a rewind of the standby destroys it. The primary's own position stands
 * for the fork, so less may be noted than was lost, and never more.
 */
export function noteLeftBehind(timelines: Timelines, writer: Writer, {members, firstSeen}: Proof): Timelines {
  const first = firstSeen.find(({host, timeline}) => host === writer.host && timeline === writer.timeline)
  if (first === undefined) return timelines
  const known = pairOf(writer, timelines).own?.left ?? []
  const found = members.flatMap(({host, condition, record, timeline}): LeftBehind[] => {
    const lsn = factsOf(record)?.facts.receiveLsn ?? null
    if (condition.role !== 'standby' || timeline === null || timeline >= first.timeline || lsn === null) return []
    const before = known.find((item) => item.host === host)
    const isNews = isBeyond(lsn, before?.lsn ?? first.lsn)
    return isNews ? [{host, timeline, lsn, from: before?.from ?? first.lsn}] : []
  })
  if (found.length === 0) return timelines
  const others = known.filter(({host}) => found.every((item) => item.host !== host))
  const isOwn = (pair: Writer) => pair.timeline === writer.timeline && pair.host === writer.host
  const left = [...others, ...found]
  return {...timelines, wrote: timelines.wrote.map((pair) => (isOwn(pair) ? withLeft(pair, left) : pair))}
}

/**
 * What still holds: a standby that is out of sight keeps its WAL, and one that is on the timeline of
 * the primary has been rewound or rebuilt.
 */
export function leftOf({left = [], timeline}: Writer, view: GroupView): readonly LeftBehind[] {
  const held = left.filter(({host}) => {
    const member = memberOf(view, host)
    const isAnother = member?.condition.cause === 'foreign-cluster'
    const isRebuilt = member?.session === 'standby' && (member.timeline ?? 0) >= timeline
    return member !== null && !isAnother && !isRebuilt
  })
  return held.length === left.length ? left : held
}

/** What a promotion left behind, as parts of a sentence. `isAccepted`: an operator knows of it. */
export type Loss = Readonly<{holds: string; next: string; isAccepted: boolean}>

/** `null`: it is not proven that the promotion of this primary lost anything. */
export function lossyPromotion(writer: Writer | null, known: Timelines): Loss | null {
  const own = writer === null ? undefined : pairOf(writer, known).own
  const sized = (own?.left ?? []).map((item) => ({...item, bytes: lsnDifference(item.lsn, item.from) ?? 0}))
  const [most] = sized.sort((a, b) => b.bytes - a.bytes)
  if (own === undefined || most === undefined) return null
  const {host, bytes, timeline} = most
  return {
    holds: `${host} holds ${bytes} bytes of timeline ${timeline} that ${own.host} lacked when it was promoted`,
    next: `save them before ${host} is rewound or rebuilt`,
    isAccepted: own.accepted === true,
  }
}

/**
 * Standbys of an earlier timeline whose last answer is older than the first word of the primary:
 * they may have received more since.
 */
export function unheardStandbys(primary: Member, {members}: GroupView, firstSeen: readonly FirstSeen[]) {
  const first = firstSeen.find(({host, timeline}) => host === primary.host && timeline === primary.timeline)
  if (first === undefined) return []
  const isUnheard = ({condition, timeline, askedAt}: Member) =>
    condition.role === 'standby' && (timeline ?? 0) < first.timeline && (askedAt ?? 0) < first.answeredAt
  return members.filter(isUnheard).map(({host}) => host)
}
