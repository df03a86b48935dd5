import {formatDuration} from '../../core/duration.ts'

/** How fast a cluster changes its leader, from its dynamic configuration (`/config`), in milliseconds. */
export type Timing = Readonly<{ttlMs: number; loopWaitMs: number; retryTimeoutMs: number}>

/** Patroni's defaults, and the least ttl that it takes: what counts until the cluster told its own. */
export const defaultTiming: Timing = {ttlMs: 30_000, loopWaitMs: 10_000, retryTimeoutMs: 10_000}
export const leastTtlMs = 20_000

/** `null`: this is no configuration. A key that is left out has Patroni's default. */
export function timingOf(config: unknown): Timing | null {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return null
  const fields = config as Readonly<Record<string, unknown>>
  const ms = (key: string, absent: number): number => {
    const value = Number(fields[key])
    return Number.isFinite(value) && value > 0 ? value * 1_000 : absent
  }
  return {
    ttlMs: ms('ttl', defaultTiming.ttlMs),
    loopWaitMs: ms('loop_wait', defaultTiming.loopWaitMs),
    retryTimeoutMs: ms('retry_timeout', defaultTiming.retryTimeoutMs),
  }
}

/**
 * H9: the last confirmation of the primary may be a loop old when its ttl runs out, and our answer
 * `maxAgeMs` old. A hold that is longer could outlive the lock.
 */
export const longestHoldMs = ({ttlMs, loopWaitMs}: Timing, maxAgeMs: number): number =>
  Math.max(0, ttlMs - loopWaitMs - maxAgeMs)

/** For an operator: the hold of `on_silent` is longer than H9 allows. */
export const tooLongHold = (holdMs: number, timing: Timing, maxAgeMs: number): string =>
  `holds ${formatDuration(holdMs)}, and Patroni's lock may have ended by then: the most is ` +
  `${formatDuration(longestHoldMs(timing, maxAgeMs))} (ttl ${formatDuration(timing.ttlMs)} less ` +
  `loop_wait ${formatDuration(timing.loopWaitMs)} and probe.max_age ${formatDuration(maxAgeMs)})`
