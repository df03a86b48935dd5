import type {Log} from '../core/ports.ts'
import {exitNow} from './exit.ts'

/**
 * A stop that takes longer than this is ended: systemd would wait 90 seconds, and then kill without
 * a word.
 */
const stopMs = 10_000
const numbers = {SIGTERM: 15, SIGINT: 2} as const

/**
 * Resolves at the first SIGTERM or SIGINT. From then on the clock runs: a second signal, or a stop
 * that hangs, ends the process at once - with the exit code that a shell gives to a process that
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
          log.error({}, `not stopped after ${stopMs} ms: leaving`)
          exitNow(128 + numbers[signal])
        }, stopMs).unref()
        resolve()
      })
    }
  })
}
