import {join} from 'node:path'
import {readText, replaceText} from './durable-file.ts'

/**
 * What an actuator holds back for a planned switch, in a file of `state_dir`: name → a number that
 * is needed to put it back. A later process, or the command that asked, lets the clients go on.
 */
export class HeldFile {
  readonly #path: string | null
  /** `null`: not read yet. */
  #held: Readonly<Record<string, number>> | null = null

  /** `actuator`: its name. `stateDir` null: nothing is kept. */
  constructor(stateDir: string | null, actuator: string) {
    this.#path = stateDir === null ? null : join(stateDir, `held-${actuator.replaceAll(/[^A-Za-z0-9.-]+/g, '_')}.json`)
  }

  /** A file that cannot be read holds nothing. */
  async read(): Promise<Readonly<Record<string, number>>> {
    if (this.#held !== null) return this.#held
    try {
      const text = this.#path === null ? null : await readText(this.#path)
      const found: unknown = JSON.parse(text ?? '{}')
      this.#held = Object.fromEntries(
        Object.entries(Object(found)).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
      )
    } catch {
      this.#held = {}
    }
    return this.#held
  }

  /** Durable when it resolves. Rejects where the file cannot be written: then nothing may be held. */
  async write(held: Readonly<Record<string, number>>): Promise<void> {
    if (JSON.stringify(held) === JSON.stringify(await this.read())) return
    if (this.#path !== null) await replaceText(this.#path, `${JSON.stringify(held)}\n`)
    this.#held = held
  }
}
