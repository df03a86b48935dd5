import {onAbort} from '../core/wait.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Calls `leave`, which restores the terminal at once, before anything ends this process or prints:
 * a signal, an abort, a lost terminal, a crash. Otherwise the trace of a crash is printed on the
 * alternate screen and lost with it. Returns a function that removes the guard.
 */
export function guardTerminal(leave: () => void, signal?: AbortSignal): () => void {
  for (const name of signals) process.on(name, leave)
  // Runs before a listener of `uncaughtException` prints the error, so that the error lands on the
  // normal screen.
  process.on('uncaughtExceptionMonitor', leave)
  process.stdout.on('error', leave)
  const forget = signal && onAbort(signal, leave)
  return () => {
    for (const name of signals) process.off(name, leave)
    process.off('uncaughtExceptionMonitor', leave)
    process.stdout.off('error', leave)
    forget?.()
  }
}
