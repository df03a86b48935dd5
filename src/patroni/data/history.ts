import {list, Mismatch, number, type Reader, text} from './reader.ts'

/** The end of a timeline: one row of GET /history. */
export type TimelineEntry = Readonly<{
  timeline: number
  /** Bytes of WAL at which it ended. */
  lsn: number
  reason: string
  /** ISO 8601; `null`: Patroni did not see the promotion. */
  at: string | null
  /** The member that was promoted; `null`: not known (four columns, before 2.0). */
  leader: string | null
  /** As it came, with columns that this version does not know. */
  raw: readonly unknown[]
}>

const row: Reader<TimelineEntry> = (value, where) => {
  if (!Array.isArray(value)) throw new Mismatch(where, 'a list', value)
  const [timeline, lsn, reason, at, leader] = value as readonly unknown[]
  return {
    timeline: number(timeline, `${where}[0]`),
    lsn: number(lsn, `${where}[1]`),
    reason: text(reason, `${where}[2]`),
    at: at === undefined || at === null ? null : text(at, `${where}[3]`),
    leader: leader === undefined || leader === null ? null : text(leader, `${where}[4]`),
    raw: value,
  }
}

/** Throws `Mismatch`. */
export const readHistory: Reader<readonly TimelineEntry[]> = list(row)
