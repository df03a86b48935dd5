import {formatDuration} from '../../../core/duration.ts'
import {type GuardTiming, shortestLease} from '../../../core/node/guard-settings.ts'
import type {Report} from '../../reading/report.ts'

/**
 * A lease that is too short would end in good health, and one that outlives the HA tool's delay would
 * leave two gates open. `failoverAfterMs`: `null`, not told.
 */
export function checkTiming(timing: GuardTiming, failoverAfterMs: number | null, report: Report): void {
  if (!report.isClean('guard.lease', 'guard.interval', 'probe.timeout', 'failover_after')) return
  const {leaseMs, intervalMs} = timing
  const lease = formatDuration(leaseMs)
  const least = shortestLease(timing)
  if (leaseMs < least) {
    const text = `is ${lease}, and three passes of ${formatDuration(intervalMs)} and probe.timeout take longer`
    report.refuse('guard.lease', 'CONFIG_CONFLICT', text, `Write ${formatDuration(least)} or more.`)
  }
  if (failoverAfterMs === null) {
    const text = 'is not compared with the delay of the HA tool, because failover_after is not given'
    report.warn('guard.lease', text, 'Set failover_after: both gates may be open for lease minus failover_after.')
  } else if (leaseMs >= failoverAfterMs) {
    const text = `is ${lease}, and the HA tool promotes another host after ${formatDuration(failoverAfterMs)}`
    report.refuse('guard.lease', 'CONFIG_CONFLICT', text, 'Shorten the lease, or let the HA tool wait longer.')
  }
}
