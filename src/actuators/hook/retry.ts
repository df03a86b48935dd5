import type {Random} from '../../core/ports.ts'

const firstMs = 1_000
const longestMs = 60_000

/**
 * How long to wait after the failed try number `attempt` (from 1): 1 s, doubling, up to a minute;
 * between half of that and all of it, so that hooks that failed together do not return together.
 * `askedMs`: what the receiver asked for, honoured up to a minute.
 */
export function retryMs(attempt: number, random: Random, askedMs: number | null): number {
  const most = Math.min(firstMs * 2 ** (attempt - 1), longestMs)
  return Math.max(most * (0.5 + random() / 2), Math.min(askedMs ?? 0, longestMs))
}

/** RFC 9110, 10.2.3: seconds, or a date. `null`: not given, or neither. */
export function retryAfterMs(header: string | null, wall: number): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - wall)
}

/**
 * What a status says of an event: told; not told, and asking again changes nothing; not told yet.
 */
export function replyOf(status: number): 'delivered' | 'refused' | 'later' {
  if (status >= 200 && status < 300) return 'delivered'
  // Request Timeout, Too Early, Too Many Requests: the request was in order.
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status) ? 'refused' : 'later'
}
