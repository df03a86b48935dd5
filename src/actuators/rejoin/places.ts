import {once} from 'node:events'
import {rm, stat} from 'node:fs/promises'
import {createServer, type Server} from 'node:net'
import {dirname} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import {readText, replaceText} from '../../system/durable-file.ts'
import {syncPath} from '../../system/durable-tree.ts'
import {clearPath} from '../../system/unix-socket.ts'
import {type Mark, readMark} from './state.ts'

/**
 * The names beside the data directory. While its content is mixed it is called `work`: no unit, script
 * or operator can start a server whose data directory has another name.
 */
export const placesOf = (pgdata: string) => ({
  pgdata,
  work: `${pgdata}.rejoin`,
  mark: `${pgdata}.rejoin.json`,
  lock: `${pgdata}.rejoin.sock`,
})
export type Places = ReturnType<typeof placesOf>

/** `null`: no rejoin was interrupted. `unreadable`: a file that is not a mark of this version. */
export async function findMark({mark}: Places): Promise<Mark | 'unreadable' | null> {
  const text = await readText(mark)
  return text === null ? null : (readMark(text) ?? 'unreadable')
}

/** On the disk when it resolves. */
export const writeMark = ({mark}: Places, content: Mark): Promise<void> =>
  replaceText(mark, `${JSON.stringify(content)}\n`)

export async function removeMark({mark}: Places): Promise<void> {
  await rm(mark, {force: true})
  await syncPath(dirname(mark))
}

/**
 * One rejoin per data directory. The lock is a socket that ends with its process, also after a crash.
 * `null`: another process has it. Throws OperatorError where the folder above cannot be written: then the
 * data directory cannot be renamed either.
 */
export async function takeLock({lock}: Places): Promise<Server | null> {
  const server = createServer((visitor) => visitor.destroy()).unref()
  try {
    await clearPath(lock)
    await once(server.listen(lock), 'listening')
    return server
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'SOCKET_IN_USE' || code === 'EADDRINUSE') return null
    if (error instanceof OperatorError) throw error
    throw new OperatorError(
      'REJOIN_PGDATA',
      `the lock ${lock} cannot be made (${code})`,
      'Give the owner of the data directory the right to write to the folder above it. A path has 107 bytes at most.',
      {cause: error},
    )
  }
}

export const exists = (path: string): Promise<boolean> => stat(path).then(Boolean, () => false)
