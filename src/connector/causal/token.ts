import {lsnBytes} from '../../core/facts/lsn.ts'
import type {Token} from '../types.ts'

/**
 * A place in the history of one cluster. An LSN alone lies after a failover: the new primary reaches
 * it, and the row is gone.
 */
export type Position = Readonly<{
  /** `null`: the server does not tell. */
  systemIdentifier: string | null
  timeline: number
  lsn: bigint
}>

/** `1.<system identifier>.<timeline>.<LSN, hexadecimal>`: text for a cookie or a header as it is. */
export const tokenOf = ({systemIdentifier, timeline, lsn}: Position): Token =>
  `1.${systemIdentifier ?? '0'}.${timeline}.${lsn.toString(16)}`

/** `null`: not a token. */
export function positionOf(token: Token): Position | null {
  const match = /^1\.(\d{1,20})\.([1-9]\d{0,9})\.([0-9a-f]{1,16})$/.exec(token)
  if (match === null) return null
  const [, system = '0', timeline = '', lsn = ''] = match
  return {systemIdentifier: system === '0' ? null : system, timeline: Number(timeline), lsn: BigInt(`0x${lsn}`)}
}

/** What a primary says of its WAL. Sizes are bytes. */
export type WalState = Readonly<{lsn: string; timeline: string; segment_size: string; block_size: string}>

/**
 * The insert position of a primary, after every commit that was acknowledged. It is a statement of
 * its own: RETURNING would run before the commit record is written.
 */
export const walState = `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn,
  pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) as timeline,
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text as segment_size,
  pg_catalog.current_setting('wal_block_size') as block_size`

/** Headers of pages (PostgreSQL's xlog_internal.h), as they are aligned: the first of a segment is longer. */
const [longHeader, shortHeader] = [40n, 24n]

/** Throws TypeError on what is no answer of `walState`. */
export function positionFrom(state: WalState, systemIdentifier: string | null): Position {
  const lsn = lsnBytes(state.lsn)
  const timeline = Number.parseInt(state.timeline, 16)
  if (lsn === null || !(timeline > 0)) throw new TypeError(`no position: ${JSON.stringify(state)}`)
  return {
    systemIdentifier,
    timeline,
    lsn: withoutHeader(lsn, {segment: BigInt(state.segment_size), page: BigInt(state.block_size)}),
  }
}

/**
 * Where a record ends with its page, the insert position lies behind the header of the next page,
 * and a standby does not reach it before more is written. A position directly behind a header
 * covers nothing of that page, so the start of the page is as good.
 */
export function withoutHeader(lsn: bigint, {segment, page}: Readonly<{segment: bigint; page: bigint}>): bigint {
  if (lsn % segment === longHeader) return lsn - longHeader
  if (lsn % segment > page && lsn % page === shortHeader) return lsn - shortHeader
  return lsn
}
