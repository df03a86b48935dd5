import type {Snapshot} from '../core/snapshot.ts'
import type {Answer} from './answer.ts'

/**
 * Makes an answer that depends on the snapshot alone once per snapshot: a source returns the same
 * object as long as nothing changed. `key` must come from the configuration, never from a request,
 * or a client could fill the memory.
 */
export class AnswerCache {
  #snapshot: Snapshot | null = null
  #answers = new Map<string, Answer>()

  answer(snapshot: Snapshot, key: string, make: () => Answer): Answer {
    if (snapshot !== this.#snapshot) {
      this.#snapshot = snapshot
      this.#answers = new Map()
    }
    const known = this.#answers.get(key)
    if (known) return known
    const made = make()
    this.#answers.set(key, made)
    return made
  }
}
