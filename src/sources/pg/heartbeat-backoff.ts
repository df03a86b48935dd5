import {type Backoff, nextBackoff} from '../../core/backoff.ts'

/**
 * How soon to try again after heartbeats that hung, each of which left a backend behind that cannot
 * be ended from here. Two are allowed at once; after that one more try per wait, which doubles up
 * to half a minute: every stuck backend takes one of max_connections.
 */
export type HeartbeatBackoff = Readonly<{abandoned: number; notBefore: number; backoff: Backoff | null}>

export const patient: HeartbeatBackoff = {abandoned: 0, notBefore: Number.NEGATIVE_INFINITY, backoff: null}

const freeTries = 2
export const retries = {firstMs: 1_000, capMs: 30_000, jitter: 0} as const

export function abandon({abandoned: before, backoff: last}: HeartbeatBackoff, now: number): HeartbeatBackoff {
  const abandoned = before + 1
  if (abandoned < freeTries) return {abandoned, notBefore: now, backoff: null}
  const backoff = nextBackoff(retries, last, () => 0)
  return {abandoned, notBefore: now + backoff.waitMs, backoff}
}
