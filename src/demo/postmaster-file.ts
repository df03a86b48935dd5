import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

/**
 * What a postmaster writes of itself into postmaster.pid (PostgreSQL's
 * src/include/utils/pidfile.h): one fact per line.
 */
export type PostmasterFile = Readonly<{
  pid: number
  /** The System V shared memory segment: 56 bytes that outlive a `kill -9`. */
  segment: number | null
  isReady: boolean
}>

/**
 * `null`: not started, or stopped in an orderly way. After a crash the file is still there, and
 * names a process that is gone.
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
 * Gives back what a crashed server holds of System V shared memory. The next start on the same data
 * does it, too; but data that is thrown away takes the knowledge of it along, and a machine has
 * 4096 of them. To be called only when every process of the server is gone.
 */
export function dropSharedMemory(data: string): void {
  const segment = readPostmasterFile(data)?.segment
  if (segment === null || segment === undefined) return
  try {
    execFileSync('ipcrm', ['-m', String(segment)], {stdio: 'ignore'})
  } catch {
    // There is no ipcrm, or somebody was faster.
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
