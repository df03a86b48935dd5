import {formatDuration} from '../../core/duration.ts'
import type {ProbeSettings} from '../../core/settings.ts'
import {orAbsent} from '../reading/or-absent.ts'
import {choice, duration} from '../reading/scalar.ts'
import {type Keys, section} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'

/** The timers that belong together. A key of `probe` that is given wins. */
const profiles = {
  fast: {
    interval: 500,
    fast_interval: 50,
    timeout: 500,
    connect_timeout: 1_000,
    max_age: 1_500,
    knock_interval: 1_000,
    ping_interval: 100,
    fast_ping_interval: 10,
    ping_timeout: 250,
  },
  normal: {
    interval: 1_000,
    fast_interval: 100,
    timeout: 1_000,
    connect_timeout: 3_000,
    max_age: 3_000,
    knock_interval: 5_000,
    ping_interval: 200,
    fast_ping_interval: 20,
    ping_timeout: 500,
  },
  wan: {
    interval: 2_000,
    fast_interval: 500,
    timeout: 3_000,
    connect_timeout: 5_000,
    max_age: 10_000,
    knock_interval: 10_000,
    ping_interval: 500,
    fast_ping_interval: 100,
    ping_timeout: 2_000,
  },
} as const
type Timer = keyof (typeof profiles)['normal']

/** `null` when it is not given; the schema shows the value of the profile `normal`. */
const timer = (key: Timer, about: string, leastMs = 10) =>
  describe(about, orAbsent(duration<number>(profiles.normal[key], leastMs)))

const keys = {
  profile: describe(
    'sets the timers of probe together: fast for one machine room, wan for hosts far apart; probe.* wins',
    choice('normal', Object.keys(profiles) as (keyof typeof profiles)[]),
  ),
  probe: describe(
    'how the daemon asks the hosts',
    section({
      interval: timer('interval', 'between two probes'),
      fast_interval: timer('fast_interval', 'the same while a host or a verdict changes'),
      timeout: timer('timeout', 'for one question'),
      connect_timeout: timer('connect_timeout', 'for each step of a new connection'),
      max_age: timer('max_age', 'an older answer does not count'),
      knock_interval: timer('knock_interval', 'between two fresh connections', 100),
      logged_knock_interval: describe(
        'the same where log_connections is on, which costs a line a knock; default: knock_interval if given, else 10s',
        orAbsent(duration<number | null>(null, 100)),
      ),
      ping_interval: timer('ping_interval', 'between two pings (PostgreSQL 14 or later); 0 turns them off', 0),
      fast_ping_interval: timer('fast_ping_interval', 'the same while a host or a verdict changes'),
      ping_timeout: timer(
        'ping_timeout',
        'a ping that is not answered for so long makes the daemon look at once whether the host lives',
      ),
    }),
  ),
}

/** Milliseconds, as given or by the profile. Other sections ask for them by the same fields. */
export function timersOf({probe, profile}: Keys<typeof keys>): Readonly<Record<Timer, number>> {
  const timers = profiles[profile]
  return Object.fromEntries(
    (Object.keys(timers) as Timer[]).map((key) => [key, probe[key] ?? timers[key]]),
  ) as Readonly<Record<Timer, number>>
}
/** Without log_connections a knock leaves no trace, so only where the server logs it is it slower. */
const usualLoggedKnockMs = 10_000
const loggedKnockMs = ({probe}: Keys<typeof keys>): number =>
  probe.logged_knock_interval ?? probe.knock_interval ?? usualLoggedKnockMs

export type ProbeFields = Keys<typeof keys>

/** How often hosts are asked, and how long an answer holds. */
export const probeSection = {
  keys,
  settings(fields: ProbeFields, {report}: Context): {probe: ProbeSettings; profile: ProbeFields['profile']} {
    const {profile} = fields
    const probe = timersOf(fields)
    const least = probe.interval + probe.timeout
    if (report.isClean('probe') && probe.max_age < least) {
      const [age, sum] = [formatDuration(probe.max_age), formatDuration(least)]
      const message = `is ${age}, less than probe.interval + probe.timeout (${sum}), so slow answers would be stale`
      report.refuse('probe.max_age', 'CONFIG_MAX_AGE', message, `Set it to ${sum} or more.`)
    }
    return {
      profile,
      probe: {
        intervalMs: probe.interval,
        fastIntervalMs: Math.min(probe.fast_interval, probe.interval),
        timeoutMs: probe.timeout,
        connectTimeoutMs: probe.connect_timeout,
        maxAgeMs: probe.max_age,
        knockIntervalMs: probe.knock_interval,
        loggedKnockIntervalMs: loggedKnockMs(fields),
        pingIntervalMs: probe.ping_interval,
        fastPingIntervalMs: Math.min(probe.fast_ping_interval, probe.ping_interval),
        pingTimeoutMs: probe.ping_timeout,
      },
    }
  },
  document: ({profile, probe}) => ({
    profile,
    probe: {
      interval: formatDuration(probe.intervalMs),
      fast_interval: formatDuration(probe.fastIntervalMs),
      timeout: formatDuration(probe.timeoutMs),
      connect_timeout: formatDuration(probe.connectTimeoutMs),
      max_age: formatDuration(probe.maxAgeMs),
      knock_interval: formatDuration(probe.knockIntervalMs),
      logged_knock_interval: formatDuration(probe.loggedKnockIntervalMs),
      ping_interval: formatDuration(probe.pingIntervalMs),
      fast_ping_interval: formatDuration(probe.fastPingIntervalMs),
      ping_timeout: formatDuration(probe.pingTimeoutMs),
    },
  }),
} satisfies Section
