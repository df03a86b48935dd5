import {lsnBytes} from '../../core/facts/lsn.ts'
import type {Lsn} from '../../core/facts/observation.ts'

/** A line of a `*.history` file: where `timeline` ended, and the next one began. */
export type HistoryLine = Readonly<{timeline: number; lsn: Lsn}>

/** The text of a timeline history file (PostgreSQL's src/backend/access/transam/timeline.c). */
export const readHistory = (text: string): readonly HistoryLine[] =>
  text.split('\n').flatMap((line) => {
    const [, timeline, lsn] = /^\s*(\d+)\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(\s|$)/.exec(line) ?? []
    return timeline === undefined || lsn === undefined ? [] : [{timeline: Number(timeline), lsn}]
  })

/**
 * Where the other primary left the timeline of this host. `null`: this host's timeline is no ancestor
 * of it. A number is not a timeline: two promotions from one parent have the same number, so the
 * histories up to it must be equal too.
 */
export function forkOf(timeline: number, own: readonly HistoryLine[], source: readonly HistoryLine[]): Lsn | null {
  const line = source.find((one) => one.timeline === timeline)
  if (line === undefined) return null
  const before = source.filter((one) => one.timeline < timeline)
  const isSame = (one: HistoryLine, other: HistoryLine | undefined) =>
    one.timeline === other?.timeline && lsnBytes(one.lsn) === lsnBytes(other.lsn)
  const isAncestor = before.length === own.length && before.every((one, index) => isSame(one, own[index]))
  return isAncestor ? line.lsn : null
}
