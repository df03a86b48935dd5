import {readdir, readFile, readlink} from 'node:fs/promises'
import {basename} from 'node:path'

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

/** Does one of them send a base backup? PostgreSQL says so in the title of the process. */
export const backupAmong = (holders: readonly Holder[]): string | null =>
  holders.find(({title}) => /\bsending backup\b/.test(title))?.title ?? null
