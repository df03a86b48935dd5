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

/**
 * What the operator wrote of the cluster's delay, and the cluster says otherwise; `null`: they agree.
 * Patroni promotes another member once a ttl has passed without a renewal of the lock.
 */
export const wrongDelay = (failoverAfterMs: number | null, {ttlMs}: Timing): string | null =>
  failoverAfterMs === null || failoverAfterMs <= ttlMs
    ? null
    : `failover_after is ${formatDuration(failoverAfterMs)}, and Patroni promotes another member after ` +
      `${formatDuration(ttlMs)} (its ttl): write that, or leave failover_after out`

/**
 * A guard's lease may outlive the lock, which was renewed a loop before the guard's question at the
 * latest; `null`: it ends before.
 */
export const tooLongLease = (leaseMs: number, {ttlMs, loopWaitMs}: Timing): string | null =>
  leaseMs < ttlMs - loopWaitMs
    ? null
    : `guard.lease is ${formatDuration(leaseMs)}, and Patroni may promote another member after ` +
      `${formatDuration(ttlMs - loopWaitMs)} (ttl ${formatDuration(ttlMs)} less ` +
      `loop_wait ${formatDuration(loopWaitMs)}): shorten the lease`

/** For an operator: the hold of `on_silent` is longer than H9 allows. */
export const tooLongHold = (holdMs: number, timing: Timing, maxAgeMs: number): string =>
  `holds ${formatDuration(holdMs)}, and Patroni's lock may have ended by then: the most is ` +
  `${formatDuration(longestHoldMs(timing, maxAgeMs))} (ttl ${formatDuration(timing.ttlMs)} less ` +
  `loop_wait ${formatDuration(timing.loopWaitMs)} and probe.max_age ${formatDuration(maxAgeMs)})`
