import {formatDuration} from '../../../core/duration.ts'
import {type GuardSettings, type GuardTiming, shortestLease} from '../../../core/node/guard-settings.ts'
import type {Report} from '../../reading/report.ts'

type Timing = GuardTiming & Pick<GuardSettings, 'quorum'>

/**
 * A lease that is too short would end in good health. By `quorum: any`, one that outlives the delay of the HA tool
 * leaves two gates open; by a majority, a guard that opens waits for the lease of the one before.
 * `failoverAfterMs`: `null`, not told.
 */
export function checkTiming(timing: Timing, failoverAfterMs: number | null, report: Report): void {
  if (!report.isClean('guard.lease', 'guard.interval', 'probe.timeout', 'failover_after')) return
  const {leaseMs, intervalMs, quorum} = timing
  const lease = formatDuration(leaseMs)
  const least = shortestLease(timing)
  if (leaseMs < least) {
    const text = `is ${lease}, and three passes of ${formatDuration(intervalMs)} and probe.timeout take longer`
    report.refuse('guard.lease', 'CONFIG_CONFLICT', text, `Write ${formatDuration(least)} or more.`)
  }
  if (failoverAfterMs === null) {
    if (quorum === 'majority') return
    const text = 'is not compared with the delay of the HA tool, because failover_after is not given'
    report.warn('guard.lease', text, 'Set failover_after: by quorum any, two gates may be open until the lease ends.')
  } else if (leaseMs >= failoverAfterMs) {
    const text = `is ${lease}, and the HA tool promotes another host after ${formatDuration(failoverAfterMs)}`
    report.refuse('guard.lease', 'CONFIG_CONFLICT', text, 'Shorten the lease, or let the HA tool wait longer.')
  }
}
