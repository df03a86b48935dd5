import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync} from 'node:fs'

/** The children of a process. A PostgreSQL backend is a child of the postmaster with its own group. */
export function childrenOf(pid: number): readonly number[] {
  if (!existsSync('/proc/self/stat')) return fromPgrep(pid)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => parentOf(entry) === pid)
    .map(Number)
}

/** Field 4 of /proc/PID/stat. The name in brackets before it may contain any character. */
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

/** Signals the processes that still exist. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // The process has ended.
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie has ended; it keeps its number until its parent reaps it.
    return !existsSync('/proc/self/stat') || !/^.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
