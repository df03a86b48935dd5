import {onAbort} from '../core/wait.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Calls `leave` - which gives the terminal back, at once - before anything can end this process or
 * print on it: a signal, an abort, a terminal that has gone, a crash. Without it a crash's trace is
 * printed on the alternate screen, and lost with it. Returns what takes the guard off.
 */
export function guardTerminal(leave: () => void, signal?: AbortSignal): () => void {
  for (const name of signals) process.on(name, leave)
  // Called before any listener of `uncaughtException` prints the error, which then lands on the
  // screen that stays.
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
