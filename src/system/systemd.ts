import {execFile} from 'node:child_process'
import type {Clock, Log, SnapshotSource} from '../core/ports.ts'
import type {Snapshot} from '../core/snapshot.ts'

export type NotifyDeps = Readonly<{
  clock: Clock
  log: Log
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of systemd. */
  env: NodeJS.ProcessEnv
  /** For `systemctl status`. */
  status: () => string
  /** Whether the process still does its work, within so many milliseconds. */
  isAlive: (withinMs: number) => boolean
  /** What the log says where it does not. */
  stuck: string
}>

export type SystemdDeps = Readonly<{source: SnapshotSource}> & Pick<NotifyDeps, 'clock' | 'log' | 'env'>

/** Tells systemd that the daemon is ready, still probes the hosts, and stops. */
export const tellSystemd = ({source, clock, ...deps}: SystemdDeps): AsyncDisposable =>
  notifySystemd({
    ...deps,
    clock,
    status: () => statusOf(source.current()),
    isAlive: (withinMs) => isProbing(source.current(), clock.now(), withinMs),
    stuck: 'the daemon no longer probes any host, so it does not feed the watchdog of systemd',
  })

/**
 * sd_notify(3): READY at once, WATCHDOG while the process does its work, STOPPING when it is disposed of, each
 * with a STATUS. Node.js has no datagram sockets for unix paths, so the program `systemd-notify` sends the
 * messages, and the unit needs `NotifyAccess=all`. Without NOTIFY_SOCKET this does nothing.
 */
export function notifySystemd({clock, log, env, status, isAlive, stuck}: NotifyDeps): AsyncDisposable {
  if (!env.NOTIFY_SOCKET) return {async [Symbol.asyncDispose]() {}}
  let hasFailed = false
  const say = (...words: string[]) =>
    new Promise<void>((resolve) => {
      // While systemd hangs, processes of systemd-notify must not pile up.
      execFile('systemd-notify', words, {env, timeout: 5_000}, (error) => {
        if (error && !hasFailed)
          log.warn(
            {},
            `systemd-notify failed (${error.code ?? error.message}), so systemd does not know the state of ` +
              'the daemon: is systemd-notify installed?',
          )
        hasFailed = error !== null
        resolve()
      })
    })
  const told = () =>
    `STATUS=${status()
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, 500)}`

  const watchdogMs = watchdogOf(env)
  let cancel = () => {}
  const feedLater = (ms: number) => {
    cancel = clock.after(ms / 3, () => {
      if (isAlive(ms)) void say('WATCHDOG=1', told())
      else log.error({}, stuck)
      feedLater(ms)
    })
  }
  void say('READY=1', told())
  if (watchdogMs !== null) feedLater(watchdogMs)
  return {
    async [Symbol.asyncDispose]() {
      cancel()
      await say('STOPPING=1')
    },
  }
}

/** sd_watchdog_enabled(3): microseconds, for the process WATCHDOG_PID. */
function watchdogOf({WATCHDOG_USEC, WATCHDOG_PID}: NodeJS.ProcessEnv): number | null {
  const ms = Number(WATCHDOG_USEC) / 1_000
  return ms > 0 && (WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid) ? ms : null
}

/**
 * True where the daemon still sends probes, whatever the answers are. A long probe.interval does not
 * count as a stop: `maxAgeMs` covers it.
 */
const isProbing = ({hosts, maxAgeMs}: Snapshot, now: number, withinMs: number): boolean => {
  const asked = Object.values(hosts).flatMap(({askedAt}) => askedAt ?? [])
  return asked.length === 0 || now - Math.max(...asked) <= Math.max(withinMs, maxAgeMs)
}

const statusOf = ({groups}: Snapshot): string =>
  Object.values(groups)
    .map(({name, verdict: {kind, routedTo}}) => `${name}: ${kind}${routedTo === null ? '' : ` ${routedTo}`}`)
    .join(', ')
