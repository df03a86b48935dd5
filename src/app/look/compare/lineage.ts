import type {HistoryLine} from '../../../actuators/rejoin/fork.ts'
import {isBeyond, lsnDifference} from '../../../core/facts/lsn.ts'
import type {Lsn} from '../../../core/facts/observation.ts'

/** The way of one host through the timelines, up to what it holds. */
export type Line = Readonly<{
  timeline: number
  /** The end of the WAL that it holds; `null`: unknown. */
  end: Lsn | null
  /** Of `timeline`; `null`: it could not be read. */
  history: readonly HistoryLine[] | null
}>

/**
 * The last point that two hosts share. `isAssumed`: a history that could not be read may say
 * otherwise. `unknown`: no point is known.
 */
export type Fork = Readonly<
  {kind: 'at'; timeline: number; lsn: Lsn; isAssumed: boolean} | {kind: 'unknown'; why: string}
>

/** WAL from `from` on that only one of the two holds, and the timelines that it lies on. */
export type Alone = Readonly<{bytes: number; timelines: readonly number[]; from: Lsn}>

type Piece = Readonly<{timeline: number; end: Lsn}>

/**
 * The fork of two histories, as pg_rewind finds it (findCommonAncestorTimeline): the shortest end of
 * the last piece that both have in common.
 */
export function forkOf(one: Line, other: Line): Fork {
  const [a, b] = [piecesOf(one, other), piecesOf(other, one)]
  if (typeof a === 'string') return {kind: 'unknown', why: a}
  if (typeof b === 'string') return {kind: 'unknown', why: b}
  const isAssumed = (one.history === null && one.timeline > 1) || (other.history === null && other.timeline > 1)
  let shared: Fork = {kind: 'unknown', why: 'the histories have no timeline in common'}
  for (const [index, mine] of a.entries()) {
    const theirs = b[index]
    if (theirs?.timeline !== mine.timeline) break
    const lsn = isBeyond(mine.end, theirs.end) ? theirs.end : mine.end
    shared = {kind: 'at', timeline: mine.timeline, lsn, isAssumed}
    if (lsnDifference(mine.end, theirs.end) !== 0) break
  }
  return shared
}

/** In words where a piece is missing. A history that could not be read is taken from the other host. */
function piecesOf({timeline, end, history}: Line, other: Line): readonly Piece[] | string {
  if (end === null) return `the end of timeline ${timeline} is unknown on one of them`
  const before = history ?? (timeline === 1 ? [] : borrowed(timeline, other))
  if (before === null) return `the history of timeline ${timeline} could not be read`
  return [...before.map((line) => ({timeline: line.timeline, end: line.lsn})), {timeline, end}]
}

function borrowed(timeline: number, other: Line): readonly HistoryLine[] | null {
  if (other.timeline === timeline) return other.history ?? []
  const isAncestor = other.history?.some((line) => line.timeline === timeline) ?? false
  return isAncestor ? (other.history?.filter((line) => line.timeline < timeline) ?? null) : null
}

/** What a host holds past the fork. */
export function aloneOf({timeline, end, history}: Line, fork: Extract<Fork, {kind: 'at'}>): Alone {
  const bytes = Math.max(0, lsnDifference(end, fork.lsn) ?? 0)
  const later = [...(history ?? []).map((line) => ({timeline: line.timeline, end: line.lsn})), {timeline, end}]
  const timelines = later
    .filter((piece) => piece.timeline >= fork.timeline && isBeyond(piece.end, fork.lsn))
    .map((piece) => piece.timeline)
  return {bytes, timelines: bytes === 0 ? [] : timelines, from: fork.lsn}
}
