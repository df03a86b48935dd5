import type {Log} from '../core/ports.ts'
import {exitNow} from './exit.ts'

/**
 * A stop that takes longer than this ends the process. systemd would wait 90 seconds, and then kill
 * the process without a log line.
 */
const stopMs = 10_000
const numbers = {SIGTERM: 15, SIGINT: 2} as const

/**
 * Resolves at the first SIGTERM or SIGINT. Then a second signal ends the process at once, and so does
 * a stop that hangs for `stopMs`. The exit code is the one that a shell reports for a process that
 * died of the signal.
 */
export function stopSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (isStopping) return exitNow(128 + numbers[signal])
        isStopping = true
        log.info({signal}, 'stopping')
        setTimeout(() => {
          log.error({}, `the stop takes longer than ${stopMs} ms: exiting now`)
          exitNow(128 + numbers[signal])
        }, stopMs).unref()
        resolve()
      })
    }
  })
}
