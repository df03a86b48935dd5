import {lsnBytes} from '../../core/facts/lsn.ts'
import type {Lsn} from '../../core/facts/observation.ts'

/** A record of WAL as pg_waldump prints it. `bytes`: the total length, without headers of pages. */
export type WalRecord = Readonly<{lsn: Lsn; bytes: number; isSwitch: boolean}>

const page = 8192n
/** A page begins with a header, and the first page of a segment with a longer one. */
const [header, firstHeader] = [24n, 40n]

/**
 * Where the next record may begin, as pg_current_wal_lsn tells it (xlog.c,
 * XLogBytePosToEndRecPtr). A switch fills the rest of its segment.
 */
export function recordEnd({lsn, bytes, isSwitch}: WalRecord, segmentBytes: number): Lsn {
  const segment = BigInt(segmentBytes)
  let at = lsnBytes(lsn) ?? 0n
  if (isSwitch) return lsnOf((at / segment + 1n) * segment)
  let left = ((BigInt(bytes) + 7n) / 8n) * 8n
  for (let room = page - (at % page); left > room; room = page - (at % page)) {
    left -= room
    at += room
    at += at % segment === 0n ? firstHeader : header
  }
  return lsnOf(at + left)
}

const lsnOf = (bytes: bigint): Lsn =>
  `${(bytes >> 32n).toString(16)}/${(bytes & 0xffff_ffffn).toString(16)}`.toUpperCase()
