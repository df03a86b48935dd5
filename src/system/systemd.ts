import {execFile} from 'node:child_process'
import type {Clock, Log, SnapshotSource} from '../core/ports.ts'
import type {Snapshot} from '../core/snapshot.ts'

/** `env`: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of systemd. */
export type SystemdDeps = Readonly<{source: SnapshotSource; clock: Clock; log: Log; env: NodeJS.ProcessEnv}>

/**
 * Tells systemd that the daemon is ready, still probes the hosts, and stops (sd_notify(3): READY,
 * WATCHDOG, STOPPING, STATUS). Node.js has no datagram sockets for unix paths, so the program
 * `systemd-notify` sends the messages, and the unit needs `NotifyAccess=all`. Without NOTIFY_SOCKET
 * this does nothing.
 */
export function tellSystemd({source, clock, log, env}: SystemdDeps): AsyncDisposable {
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
  const status = () => `STATUS=${statusOf(source.current())}`

  const watchdogMs = watchdogOf(env)
  let cancel = () => {}
  const feedLater = (ms: number) => {
    cancel = clock.after(ms / 3, () => {
      if (isProbing(source.current(), clock.now(), ms)) void say('WATCHDOG=1', status())
      else log.error({}, 'the daemon no longer probes any host, so it does not feed the watchdog of systemd')
      feedLater(ms)
    })
  }
  void say('READY=1', status())
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

/** For `systemctl status`. */
const statusOf = ({groups}: Snapshot): string =>
  Object.values(groups)
    .map(({name, verdict: {kind, routedTo}}) => `${name}: ${kind}${routedTo === null ? '' : ` ${routedTo}`}`)
    .join(', ')
    .slice(0, 500)
