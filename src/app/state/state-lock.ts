import {once} from 'node:events'
import {createServer, type Server} from 'node:net'
import {join} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import {clearPath} from '../../system/unix-socket.ts'

/** The lock, in the folder of the state. */
export const lockName = 'serve.sock'

/**
 * One `serve` per `state_dir`: two would overwrite each other's memory of timelines, rivals and
 * drains. The lock is a socket in the folder that answers nothing. It ends with its process, also
 * after a crash, so that neither a pid nor an age has to be trusted.
 */
export class StateLock implements AsyncDisposable {
  readonly #log: Log
  #folder: string | null = null
  #server: Server | null = null

  private constructor(log: Log) {
    this.#log = log
  }

  /** Throws OperatorError: `STATE_IN_USE`. `stateDir` null: nothing to lock. */
  static async open(stateDir: string | null, log: Log): Promise<StateLock> {
    const lock = new StateLock(log)
    await lock.applyConfig({stateDir})
    return lock
  }

  /** Locks the new folder, then frees the old one. Throws OperatorError, and keeps the old lock. */
  async applyConfig({stateDir}: Readonly<{stateDir: string | null}>): Promise<void> {
    if (stateDir === this.#folder) return
    const server = stateDir === null ? null : await this.#lock(stateDir)
    this.#server?.close()
    this.#server = server
    this.#folder = stateDir
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close()
  }

  /**
   * `null`: the folder cannot be locked, for example because this user may not write to it. Then
   * `serve` cannot overwrite the memory either, and the next save reports the error.
   */
  async #lock(folder: string): Promise<Server | null> {
    const path = join(folder, lockName)
    const server = createServer((visitor) => visitor.destroy()).unref()
    try {
      await clearPath(path)
      // Every user who may enter the folder has to see that it is locked, whichever user runs the
      // daemon. A user without access to the folder cannot connect anyway.
      await once(server.listen({path, readableAll: true, writableAll: true}), 'listening')
      return server
    } catch (error) {
      const {code, message} = error as NodeJS.ErrnoException
      if (code === 'SOCKET_IN_USE') {
        const next = 'Stop the other serve first, or give this one a state_dir of its own.'
        throw new OperatorError('STATE_IN_USE', `another serve keeps its state in ${folder}`, next, {cause: error})
      }
      this.#log.warn(
        {},
        `${path} cannot be created (${code ?? message}): a second serve on this state_dir would go unnoticed`,
      )
      return null
    }
  }
}
