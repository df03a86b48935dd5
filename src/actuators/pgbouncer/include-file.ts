import {type FileHandle, open, readFile, realpath, rename, stat, unlink} from 'node:fs/promises'
import {dirname} from 'node:path'

/**
 * The next text of the include file, written to a temporary file. Disposing it removes the
 * temporary file, unless `put` has renamed it.
 */
export interface StagedInclude extends AsyncDisposable {
  /** `false`: the file has this text already. Rejects with an Error for an operator. */
  put(): Promise<boolean>
}

/**
 * The include files of all PgBouncers that this daemon keeps in step. Several may read one file:
 * the first actuator writes it, and the others find it written.
 */
export class IncludeFiles {
  readonly #files = new Map<string, SharedInclude>()

  at(path: string): SharedInclude {
    const file = this.#files.get(path) ?? new SharedInclude(path)
    this.#files.set(path, file)
    return file
  }
}

export class SharedInclude {
  readonly #path: string
  readonly #oneHostOnly = new Set<string>()
  #turn: Promise<unknown> = Promise.resolve()
  #staged = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Every PgBouncer that reads the file takes several hosts in one entry. */
  get mayList(): boolean {
    return this.#oneHostOnly.size === 0
  }

  /** What the PgBouncer of `actuator` takes. */
  note(actuator: string, takesLists: boolean): void {
    if (takesLists) this.#oneHostOnly.delete(actuator)
    else this.#oneHostOnly.add(actuator)
  }

  /** The actuator has ended. */
  forget(actuator: string): void {
    this.#oneHostOnly.delete(actuator)
  }

  read(): Promise<string | null> {
    return readInclude(this.#path)
  }

  async stage(text: string): Promise<StagedInclude> {
    this.#staged += 1
    const staged = await stageInclude(this.#path, text, `${process.pid}-${this.#staged}`)
    const put = async () => (await this.read()) !== text && (await staged.put())
    return {
      put: () => {
        const mine = this.#turn.then(put)
        this.#turn = mine.catch(() => {})
        return mine
      },
      [Symbol.asyncDispose]: () => staged[Symbol.asyncDispose](),
    }
  }
}

/** `null`: there is no file. Rejects with an Error for an operator. */
const readInclude = (path: string): Promise<string | null> =>
  orNull(readFile(path, 'utf8')).catch((error) => {
    throw new Error(
      `${path} cannot be read (${codeOf(error)}): let the user of pgroute66 read and write the file and its folder`,
      {
        cause: error,
      },
    )
  })

/**
 * Replaces the include file in two steps: a file that cannot be written pauses no database, and a
 * PgBouncer that starts at any moment reads the old text or the new one. Mode and owner stay. A new
 * file gets the owner of its folder, because PgBouncer must read it; other users must not, because
 * `options` may hold a password. A symbolic link stays, and its target is replaced. Rejects with an
 * Error for an operator.
 */
async function stageInclude(path: string, text: string, writer: string): Promise<StagedInclude> {
  const finalPath = await explained(path, async () => (await orNull(realpath(path))) ?? path)
  const temporary = `${finalPath}.${writer}.tmp`
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
        return true
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
  // After chown, which clears some mode bits.
  await file.chmod(model ? model.mode & 0o7777 : 0o640)
}

/** The slowest part, so it comes after PAUSE: after a crash every millisecond before PAUSE counts. */
async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  await using file = await open(path, flags)
  await file.sync()
}

/** Only root may change the owner. Other users keep the group, through which PgBouncer reads it. */
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
    const next = `let the user of pgroute66 write to ${dirname(path)}, and add that user to the file's group`
    throw new Error(`${path} cannot be replaced (${why}), so PgBouncer keeps its hosts: ${next}`, {cause: error})
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code
const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
