import {readdir, readFile, readlink} from 'node:fs/promises'
import {basename, join} from 'node:path'

/** A process of PostgreSQL that works in a data directory. `title`: its command line. */
export type Holder = Readonly<{pid: number; title: string}>

const programs = /^(postgres|postmaster|pg_rewind|pg_basebackup|pg_ctl)\b/

/**
 * The processes that hold one of `folders` (real paths): servers work inside of their data directory,
 * and tools name it. A killed server is gone before its children are, and a tool that rejoin started may
 * outlive it. Processes of other users cannot be read; they cannot use the folder either.
 */
export async function holdersOf(folders: readonly string[]): Promise<readonly Holder[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid): Promise<Holder | null> => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const [program = '', ...args] = words.split('\0')
      if (!programs.test(basename(program.split(/[ :]/, 1)[0] ?? ''))) return null
      const place = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      const isHolder = folders.includes(place) || args.some((word) => folders.includes(word))
      return isHolder ? {pid: Number(pid), title: words.replaceAll('\0', ' ').trim()} : null
    }),
  )
  return found.filter((one) => one !== null)
}

/**
 * The process that postmaster.pid names, where it still has its number: PostgreSQL starts no other server
 * then, also where that one has ended and its parent has not noticed yet. (Seen: crash recovery right
 * after a `kill -9` was refused.)
 */
export async function lockHolder(pgdata: string): Promise<Holder | null> {
  const [first = ''] = (await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = /^\d+$/.test(first) ? Number(first) : 0
  if (pid === 0) return null
  try {
    process.kill(pid, 0)
    return {pid, title: (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'it has ended')).trim()}
  } catch {
    // It is gone, or the number is now that of another user's process.
    return null
  }
}

/** Does one of them send a base backup? PostgreSQL says so in the title of the process. */
export const backupAmong = (holders: readonly Holder[]): string | null =>
  holders.find(({title}) => /\bsending backup\b/.test(title))?.title ?? null
