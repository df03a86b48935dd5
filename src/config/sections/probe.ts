import {formatDuration} from '../../core/duration.ts'
import type {ProbeSettings} from '../../core/settings.ts'
import {duration} from '../reading/scalar.ts'
import {type Keys, section} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'

const keys = {
  probe: describe(
    'how the daemon asks the hosts',
    section({
      interval: describe('between two probes', duration(1000, 10)),
      fast_interval: describe('the same while a host or a verdict changes', duration(100, 10)),
      timeout: describe('for one question', duration(1000, 10)),
      connect_timeout: describe('for each step of a new connection', duration(3000, 10)),
      max_age: describe('an older answer does not count', duration(3000, 10)),
      knock_interval: describe('between two fresh connections', duration(5000, 100)),
      ping_interval: describe('between two pings (PostgreSQL 14 or later); 0 turns them off', duration(200, 0)),
      fast_ping_interval: describe('the same while a host or a verdict changes', duration(20, 10)),
      ping_timeout: describe(
        'a ping that is not answered for so long makes the daemon look at once whether the host lives',
        duration(500, 10),
      ),
    }),
  ),
}

/** How often hosts are asked, and how long an answer holds. */
export const probeSection = {
  keys,
  settings({probe}: Keys<typeof keys>, {report}: Context): {probe: ProbeSettings} {
    const least = probe.interval + probe.timeout
    if (report.isClean('probe') && probe.max_age < least) {
      const [given, sum] = [formatDuration(probe.max_age), formatDuration(least)]
      const message = `is ${given}, less than probe.interval + probe.timeout (${sum}), so slow answers would be stale`
      report.refuse('probe.max_age', 'CONFIG_MAX_AGE', message, `Set it to ${sum} or more.`)
    }
    return {
      probe: {
        intervalMs: probe.interval,
        fastIntervalMs: Math.min(probe.fast_interval, probe.interval),
        timeoutMs: probe.timeout,
        connectTimeoutMs: probe.connect_timeout,
        maxAgeMs: probe.max_age,
        knockIntervalMs: probe.knock_interval,
        pingIntervalMs: probe.ping_interval,
        fastPingIntervalMs: Math.min(probe.fast_ping_interval, probe.ping_interval),
        pingTimeoutMs: probe.ping_timeout,
      },
    }
  },
  document: ({probe}) => ({
    probe: {
      interval: formatDuration(probe.intervalMs),
      fast_interval: formatDuration(probe.fastIntervalMs),
      timeout: formatDuration(probe.timeoutMs),
      connect_timeout: formatDuration(probe.connectTimeoutMs),
      max_age: formatDuration(probe.maxAgeMs),
      knock_interval: formatDuration(probe.knockIntervalMs),
      ping_interval: formatDuration(probe.pingIntervalMs),
      fast_ping_interval: formatDuration(probe.fastPingIntervalMs),
      ping_timeout: formatDuration(probe.pingTimeoutMs),
    },
  }),
} satisfies Section
