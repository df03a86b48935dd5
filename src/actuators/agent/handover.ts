import type {Snapshot} from '../../core/snapshot.ts'
import {writerQuestion} from './answer.ts'

/**
 * A HAProxy that has not asked for so long does not ask for that server any more. Several times
 * `agent-inter`, which is 2 s by default.
 */
const timeoutMs = 10_000

/**
 * HAProxy asks for its servers one after the other, so at a switch the successor may come first:
 * two writers would be up until the next question for the deposed one. Whoever was told "up" is
 * told otherwise before somebody else is - as far as one address is one HAProxy with one such
 * backend.
 */
export class Handover {
  /** By HAProxy's address and host: when it was last told "up". */
  readonly #up = new Map<string, number>()

  /** The answer that may be given now. `now`: monotonic milliseconds. */
  settle(client: string, question: string, answer: string, snapshot: Snapshot, now: number): string {
    const asked = writerQuestion(question, snapshot)
    if (asked === null) return answer
    const key = `${client} ${asked.host}`
    // Nothing is said in maintenance: whoever is up stays so.
    if (answer === '') {
      if (this.#up.has(key)) this.#up.set(key, now)
      return answer
    }
    this.#up.delete(key)
    if (!answer.startsWith('ready')) return answer
    for (const [known, at] of this.#up) if (now - at > timeoutMs) this.#up.delete(known)
    const still = asked.others.find((host) => this.#up.has(`${client} ${host}`))
    if (still !== undefined) return `down #${still} is taken down first`
    this.#up.set(key, now)
    return answer
  }
}
