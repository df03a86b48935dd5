import {type Backoff, nextBackoff} from '../../core/backoff.ts'

/**
 * When the next heartbeat may be tried after heartbeats that hung. Each of them left a backend
 * behind, which the client cannot end. Two are allowed at once; after that one more try per wait,
 * which doubles up to half a minute: every stuck backend takes one of max_connections.
 */
export type HeartbeatBackoff = Readonly<{abandoned: number; notBefore: number; backoff: Backoff | null}>

export const noBackoff: HeartbeatBackoff = {abandoned: 0, notBefore: Number.NEGATIVE_INFINITY, backoff: null}

const freeTries = 2
export const retries = {firstMs: 1_000, capMs: 30_000, jitter: 0} as const

/** The backoff after one more heartbeat that hung. */
export function backOff({abandoned: before, backoff: last}: HeartbeatBackoff, now: number): HeartbeatBackoff {
  const abandoned = before + 1
  if (abandoned < freeTries) return {abandoned, notBefore: now, backoff: null}
  const backoff = nextBackoff(retries, last, () => 0)
  return {abandoned, notBefore: now + backoff.waitMs, backoff}
}
