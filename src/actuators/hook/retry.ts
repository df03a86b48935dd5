import type {BackoffPolicy} from '../../core/backoff.ts'

/** Jittered, so that hooks that failed together do not retry together. */
export const retries: BackoffPolicy = {firstMs: 1_000, capMs: 60_000, jitter: 0.5}

/** `askedMs`: the wait that the receiver asked for, honoured up to a minute; `null`: none. */
export const retryMs = (backoffMs: number, askedMs: number | null): number =>
  Math.max(backoffMs, Math.min(askedMs ?? 0, retries.capMs))

/** RFC 9110, 10.2.3: seconds, or a date. `null`: missing, or neither. */
export function retryAfterMs(header: string | null, wall: number): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - wall)
}

/**
 * The meaning of a status: the event is delivered; it is refused, and another try would be as well;
 * or another try may succeed.
 */
export function replyOf(status: number): 'delivered' | 'refused' | 'later' {
  if (status >= 200 && status < 300) return 'delivered'
  // Request Timeout, Too Early and Too Many Requests say nothing against the request itself.
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status) ? 'refused' : 'later'
}
