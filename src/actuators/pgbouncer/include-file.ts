import {type FileHandle, open, readFile, realpath, rename, stat, unlink} from 'node:fs/promises'
import {dirname} from 'node:path'

/**
 * The next text of the file, written but not yet in its place. Disposing it takes away what was not
 * put there.
 */
export interface Staged extends AsyncDisposable {
  /** Rejects with an Error for an operator. */
  put(): Promise<void>
}

/** `null`: it is not there. Rejects with an Error for an operator. */
export const readInclude = (path: string): Promise<string | null> =>
  orNull(readFile(path, 'utf8')).catch((error) => {
    throw new Error(`${path} cannot be read (${codeOf(error)}): let this process read and write it, and its folder`, {
      cause: error,
    })
  })

/**
 * Replaces the file in two steps, so that nobody is paused for a file that cannot be written, and
 * so that PgBouncer, which may start at any moment, reads the old text or the new one. Mode and
 * owner stay; a new file belongs to whom its folder belongs to, because PgBouncer must read it and
 * others need not: `options` may hold a password. Behind a link, what it leads to is replaced.
 * Rejects with an Error for an operator.
 */
export async function stageInclude(path: string, text: string): Promise<Staged> {
  const finalPath = await explained(path, async () => (await orNull(realpath(path))) ?? path)
  // Two processes have two names; one writes one file at a time.
  const temporary = `${finalPath}.${process.pid}.tmp`
  const discard = () => unlink(temporary).catch(() => {})
  await discard()
  try {
    await explained(path, () => write(temporary, finalPath, text))
  } catch (error) {
    await discard()
    throw error
  }
  return {
    put: () =>
      explained(path, async () => {
        await sync(temporary, 'r+')
        await rename(temporary, finalPath)
        await sync(dirname(finalPath), 'r')
      }),
    async [Symbol.asyncDispose]() {
      await discard()
    },
  }
}

async function write(temporary: string, finalPath: string, text: string): Promise<void> {
  const model = await orNull(stat(finalPath))
  const owner = model ?? (await stat(dirname(finalPath)))
  await using file = await open(temporary, 'wx', 0o600)
  await file.writeFile(text)
  await give(file, owner)
  // After chown, which takes some bits away.
  await file.chmod(model ? model.mode & 0o7777 : 0o640)
}

/**
 * Takes longer than all else: so not before PAUSE, which cannot come early enough after a crash.
 */
async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  await using file = await open(path, flags)
  await file.sync()
}

/** Only root gives away a file. Others keep its group, by which PgBouncer reads it. */
async function give(file: FileHandle, {uid, gid}: Readonly<{uid: number; gid: number}>): Promise<void> {
  const mine = await file.stat()
  if (mine.uid === uid && mine.gid === gid) return
  try {
    await file.chown(uid, gid)
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
    if (mine.gid !== gid) await file.chown(mine.uid, gid)
  }
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const why = codeOf(error) ?? (error instanceof Error ? error.message : 'unknown error')
    const next = `let this process write to ${dirname(path)}, and keep the file's group`
    throw new Error(`${path} cannot be replaced (${why}), so PgBouncer stays as it is: ${next}`, {cause: error})
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code
const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
