import type {Log} from '../ports.ts'
import type {Publication} from '../snapshot.ts'

type Listener = (publication: Publication) => void

/**
 * Tells publications to listeners, in order. A listener that makes its publisher publish again is told of that
 * after every listener heard of this. A listener that throws is a bug, and keeps no other one from hearing.
 */
export class Outbox {
  readonly #log: Pick<Log, 'error'>
  readonly #listeners = new Set<Listener>()
  /** The first one is being told. */
  readonly #waiting: Publication[] = []

  constructor(log: Pick<Log, 'error'>) {
    this.#log = log
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Never throws. */
  tell(publication: Publication): void {
    if (this.#waiting.push(publication) > 1) return
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      for (const listener of this.#listeners) this.#call(listener, next)
      this.#waiting.shift()
    }
  }

  #call(listener: Listener, publication: Publication): void {
    try {
      listener(publication)
    } catch (error) {
      const trace = error instanceof Error ? error.stack : String(error)
      const {epoch, sequence} = publication.snapshot
      this.#log.error(
        {error: trace, epoch, sequence},
        'a listener failed on a snapshot, which is a bug: please report it. The other listeners were told.',
      )
    }
  }
}
