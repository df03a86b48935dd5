import {once} from 'node:events'
import {createServer, type Server} from 'node:net'
import {join} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import {clearPath} from '../../system/unix-socket.ts'

/**
 * One `serve` for one `state_dir`: of two, each would overwrite what the other remembers of
 * timelines, rivals and drains. The claim is a socket in the folder that says nothing: it ends with
 * its process, however that ends, and needs neither a pid nor an age to be believed.
 */
export class StateLock implements AsyncDisposable {
  readonly #log: Log
  #folder: string | null = null
  #server: Server | null = null

  private constructor(log: Log) {
    this.#log = log
  }

  /** Throws OperatorError: `STATE_IN_USE`. `stateDir` null: there is nothing to claim. */
  static async open(stateDir: string | null, log: Log): Promise<StateLock> {
    const claim = new StateLock(log)
    await claim.applyConfig({stateDir})
    return claim
  }

  /**
   * Lets the old folder go once the new one is had. Throws OperatorError, and keeps the old one.
   */
  async applyConfig({stateDir}: Readonly<{stateDir: string | null}>): Promise<void> {
    if (stateDir === this.#folder) return
    const claimed = stateDir === null ? null : await this.#claim(stateDir)
    this.#server?.close()
    this.#server = claimed
    this.#folder = stateDir
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close()
  }

  /**
   * `null`: not possible here, as where this user may write nothing. Then there is nothing to
   * overwrite either, and whoever saves says more of it.
   */
  async #claim(folder: string): Promise<Server | null> {
    const path = join(folder, 'serve.sock')
    const server = createServer((visitor) => visitor.destroy()).unref()
    try {
      await clearPath(path)
      // Whoever is not let into the folder cannot knock either; anybody else is to hear that it is
      // taken, whoever left it.
      await once(server.listen({path, readableAll: true, writableAll: true}), 'listening')
      return server
    } catch (error) {
      const {code, message} = error as NodeJS.ErrnoException
      if (code === 'SOCKET_IN_USE') {
        const next = 'Stop that one first, or give this one a state_dir of its own.'
        throw new OperatorError('STATE_IN_USE', `another serve keeps its state in ${folder}`, next, {cause: error})
      }
      this.#log.warn(
        {},
        `${path} cannot be made (${code ?? message}): a second serve on this state_dir would not be noticed`,
      )
      return null
    }
  }
}
