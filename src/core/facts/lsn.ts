import type {Lsn} from './observation.ts'

/**
 * The position in bytes; `null` for what is not a position. (PostgreSQL documentation, 8.20 "pg_lsn
 * Type": two hexadecimal halves.)
 */
export function lsnBytes(lsn: Lsn | null): bigint | null {
  const halves = lsn === null ? null : /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(lsn)
  return halves ? (BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`) : null
}

/** `ahead - behind` in bytes, negative when `behind` is further; `null` when either is unknown. */
export function lsnDifference(ahead: Lsn | null, behind: Lsn | null): number | null {
  const [a, b] = [lsnBytes(ahead), lsnBytes(behind)]
  return a === null || b === null ? null : Number(a - b)
}

/** Is `one` further than `other`? Not where either is unknown. */
export const isBeyond = (one: Lsn | null, other: Lsn | null): boolean => (lsnDifference(one, other) ?? 0) > 0

/** The further one; the known one, where the other is unknown. */
export const furthest = (one: Lsn | null, other: Lsn | null): Lsn | null =>
  other === null || isBeyond(one, other) ? one : other
