import {execFile} from 'node:child_process'
import type {Clock, Log, SnapshotSource} from '../core/ports.ts'
import type {Snapshot} from '../core/snapshot.ts'

export type SystemdDeps = Readonly<{source: SnapshotSource; clock: Clock; log: Log; env: NodeJS.ProcessEnv}>

/**
 * Tells systemd that we are ready, that the hosts are still being asked, and that we stop
 * (sd_notify(3): READY, WATCHDOG, STOPPING, STATUS). Node has no datagram sockets for unix paths,
 * so `systemd-notify` says it for us: the unit needs `NotifyAccess=all`. Nothing happens where
 * nobody listens.
 */
export function tellSystemd({source, clock, log, env}: SystemdDeps): AsyncDisposable {
  if (!env.NOTIFY_SOCKET) return {async [Symbol.asyncDispose]() {}}
  let hasFailed = false
  const say = (...words: string[]) =>
    new Promise<void>((resolve) => {
      // A service manager that hangs must not gather processes of ours.
      execFile('systemd-notify', words, {env, timeout: 5_000}, (error) => {
        if (error && !hasFailed)
          log.warn({}, `systemd cannot be told how we are (${error.code ?? error.message}): is systemd-notify there?`)
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
      else log.error({}, 'no host was asked any more: systemd is not told that all is well')
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

/** sd_watchdog_enabled(3): microseconds, meant for one process. */
function watchdogOf({WATCHDOG_USEC, WATCHDOG_PID}: NodeJS.ProcessEnv): number | null {
  const ms = Number(WATCHDOG_USEC) / 1_000
  return ms > 0 && (WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid) ? ms : null
}

/**
 * Questions go out, whatever comes back. Hosts that are seldom asked (probe.interval) are not given
 * up for it.
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
