import type {Random} from './ports.ts'

/** How long to wait between failed tries. */
export type BackoffPolicy = Readonly<{
  firstMs: number
  /** No wait is longer. It may differ from wait to wait. */
  capMs: number
  /** 0 to 1: the share of each wait that chance may take off, so that clients spread out. */
  jitter: number
}>

/** One wait, and how the next one begins. */
export type Backoff = Readonly<{
  waitMs: number
  /** The next wait before cap and jitter. */
  followingMs: number
}>

/**
 * Exponential backoff: waits double from `firstMs` up to `capMs`. `before`: the last wait; `null`:
 * after a success. Where the cap rises, the waits double up to the new one.
 */
export function nextBackoff({firstMs, capMs, jitter}: BackoffPolicy, before: Backoff | null, random: Random): Backoff {
  const fullMs = before?.followingMs ?? firstMs
  return {
    waitMs: Math.min(fullMs, capMs) * (1 - jitter + jitter * random()),
    followingMs: Math.min(fullMs * 2, capMs * 2),
  }
}
