import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {furthest, isBeyond, lsnBytes} from '../facts/lsn.ts'
import type {Lsn} from '../facts/observation.ts'

/** How far a standby was on a timeline when its answer came. */
export type Position = Readonly<{
  host: string
  timeline: number
  /** Monotonic. */
  answeredAt: number
  received: Lsn | null
  replayed: Lsn | null
}>

/**
 * Takes in what the standbys show now. Of a standby on one timeline two positions are kept: the
 * first that no primary was asked after, and the furthest since.
 */
export function notePositions(before: readonly Position[], view: GroupView): readonly Position[] {
  // A standby that is on a later timeline now no longer holds what it had beyond the fork.
  const isPresent = ({host, timeline}: Position) => {
    const member = memberOf(view, host)
    return member !== null && (member.timeline === null || member.timeline <= timeline)
  }
  return view.members.flatMap((member) => positionOf(member) ?? []).reduce(addPosition, before.filter(isPresent))
}

/** What a standby shows of its position now; `null`: nothing. */
export function positionOf({host, condition, record, timeline, answeredAt}: Member): Position | null {
  const seen = factsOf(record)
  if (condition.role !== 'standby' || seen === null || timeline === null || answeredAt === null) return null
  return {host, timeline, answeredAt, received: seen.facts.receiveLsn, replayed: seen.facts.lsn}
}

/** One more position of a standby, in the order of the answers. */
export function addPosition(positions: readonly Position[], position: Position): readonly Position[] {
  const isAlike = ({host, timeline}: Position) => host === position.host && timeline === position.timeline
  const alike = positions.filter(isAlike)
  const last = alike.at(-1)
  if (last !== undefined && last.answeredAt >= position.answeredAt) return positions
  if (last === undefined || alike.length < 2) return [...positions, position]
  const further = {
    ...position,
    received: furthest(last.received, position.received),
    replayed: furthest(last.replayed, position.replayed),
  }
  return [...positions.filter((other) => other !== last), further]
}

/** At a switch of the WAL file a standby replays padding to its end while the primary still writes it. */
const paddingBytes = 1_048_576n

/**
 * The LSN at which the standby holds WAL that the primary, asked afterwards and now at `lsn`, does
 * not have; `null`: there is none. WAL is only sent after it was flushed, so the primary lost it or
 * never had it. What is not beyond `voidLsn` was overruled.
 */
export function beyond({received, replayed}: Position, lsn: Lsn, voidLsn: Lsn | null): Lsn | null {
  const isAhead = (position: Lsn | null) => isBeyond(position, lsn) && (voidLsn === null || isBeyond(position, voidLsn))
  if (isAhead(received)) return received
  return isAhead(replayed) && (lsnBytes(replayed) ?? 0n) % paddingBytes !== 0n ? replayed : null
}

/** How far the standby is, received or replayed. */
export const furthestOf = (member: Member): Lsn | null => {
  const facts = factsOf(member.record)?.facts
  return facts === undefined ? null : furthest(facts.receiveLsn, facts.lsn)
}
