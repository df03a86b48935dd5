import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync} from 'node:fs'

/**
 * The children of a process. Every backend of PostgreSQL is a child of the postmaster, and a
 * process group of its own.
 */
export function childrenOf(pid: number): readonly number[] {
  if (!existsSync('/proc/self/stat')) return fromPgrep(pid)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => parentOf(entry) === pid)
    .map(Number)
}

/** Field 4 of /proc/PID/stat; the name before it is in brackets and may hold anything. */
function parentOf(pid: string): number | null {
  try {
    return Number(/^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return null
  }
}

function fromPgrep(pid: number): readonly number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], {encoding: 'utf8'})
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

/** Signals those that are still there. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // Gone already.
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie still has a number: it is only waiting to be reaped.
    return !existsSync('/proc/self/stat') || !/^.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
