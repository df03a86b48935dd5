import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

/**
 * The contents of postmaster.pid (PostgreSQL's src/include/utils/pidfile.h): one fact per line.
 */
export type PostmasterFile = Readonly<{
  pid: number
  /** The System V shared memory segment: 56 bytes that survive a `kill -9`. */
  segment: number | null
  isReady: boolean
}>

/**
 * `null`: the server was never started, or stopped cleanly. After a crash the file still exists and
 * names a process that has ended.
 */
export function readPostmasterFile(data: string): PostmasterFile | null {
  const lines = linesOf(join(data, 'postmaster.pid'))
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return null
  const segment = Number(lines[6]?.trim().split(/\s+/)[1])
  return {
    pid,
    segment: Number.isInteger(segment) && segment >= 0 ? segment : null,
    isReady: /^(ready|standby)\s*$/.test(lines[7] ?? ''),
  }
}

/**
 * Frees the System V shared memory of a crashed server. The next start on the same data would free
 * it too, but with the data the number of the segment is lost, and a machine has only 4,096
 * segments. Call this only when every process of the server has ended.
 */
export function dropSharedMemory(data: string): void {
  const segment = readPostmasterFile(data)?.segment
  if (segment === null || segment === undefined) return
  try {
    execFileSync('ipcrm', ['-m', String(segment)], {stdio: 'ignore'})
  } catch {
    // There is no ipcrm, or the segment is gone already.
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
