import {readdir, readFile, readlink} from 'node:fs/promises'
import {join} from 'node:path'

/** The server on this machine that listens on a port, found without SQL. */
export type FoundPostmaster = Readonly<{pid: number; data: string}>

/**
 * The postmaster of the server with this port, by its postmaster.pid (PostgreSQL documentation, 73.1),
 * which lies in the working directory of the process. `null`: none runs here, or another user's
 * processes cannot be looked at. Never rejects.
 */
export async function findPostmaster(port: number, proc = '/proc'): Promise<FoundPostmaster | null> {
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const name = await readFile(join(proc, pid, 'comm'), 'utf8').catch(() => '')
    if (!/^(postgres|postmaster|postgres\.bin)\n$/.test(name)) continue
    try {
      const data = await readlink(join(proc, pid, 'cwd'))
      const [first, , , listens] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
      // Its children have the same working directory, and are not it.
      if (first === pid && Number(listens) === port) return {pid: Number(pid), data}
    } catch {
      // It ended meanwhile, or it is another user's.
    }
  }
  return null
}

/** SIGHUP: read the configuration anew. SIGINT: stop fast, which ends every session. */
export type PostmasterSignal = 'SIGHUP' | 'SIGINT'

/** `false`: there is no such server, or this user may not signal it. */
export async function signalPostmaster(port: number, signal: PostmasterSignal): Promise<boolean> {
  const found = await findPostmaster(port)
  if (found === null) return false
  try {
    return process.kill(found.pid, signal)
  } catch {
    return false
  }
}
