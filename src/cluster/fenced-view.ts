import type {Clock, SnapshotSource} from '../core/ports.ts'
import type {Change, Publication, Snapshot} from '../core/snapshot.ts'

/** Of what waits for the lease, the latest. */
const mostWaiting = 1_000
/** How often it is looked whether the lease is valid again, while changes wait for it. */
const lookMs = 200

export type FencedDeps = Readonly<{isValid: () => boolean; clock: Pick<Clock, 'after'>}>

/**
 * The groups that this instance owns, for what acts beyond its machine. While its lease is not valid, another
 * instance may be the owner and tell the same change. So changes wait, and are told once the lease is valid, where
 * the group is still ours: also where nothing else happens by then.
 */
export const fencedView = (own: SnapshotSource, deps: FencedDeps): SnapshotSource => ({
  current: () => own.current(),
  subscribe(listener) {
    const fenced = new Fenced(own, deps, listener)
    const unsubscribe = own.subscribe((publication) => fenced.published(publication))
    return () => {
      unsubscribe()
      fenced[Symbol.dispose]()
    }
  },
  [Symbol.asyncDispose]: async () => {},
})

class Fenced implements Disposable {
  readonly #own: SnapshotSource
  readonly #deps: FencedDeps
  readonly #listener: (publication: Publication) => void
  #waiting: readonly Change[] = []
  #cancelLook: (() => void) | null = null

  constructor(own: SnapshotSource, deps: FencedDeps, listener: (publication: Publication) => void) {
    this.#own = own
    this.#deps = deps
    this.#listener = listener
  }

  published(publication: Publication): void {
    const {changes, snapshot} = publication
    if (!this.#deps.isValid()) {
      this.#waiting = [...this.#waiting, ...changes].slice(-mostWaiting)
      if (this.#waiting.length > 0) this.#lookLater()
      return
    }
    this.#listener({...publication, changes: [...this.#taken(snapshot), ...changes]})
  }

  [Symbol.dispose](): void {
    this.#cancelLook?.()
  }

  #lookLater(): void {
    this.#cancelLook ??= this.#deps.clock.after(lookMs, () => {
      this.#cancelLook = null
      if (!this.#deps.isValid()) return this.#lookLater()
      const snapshot = this.#own.current()
      const changes = this.#taken(snapshot)
      if (changes.length > 0) this.#listener({changes, snapshot})
    })
  }

  /** What has waited, of the groups that are still ours. */
  #taken(snapshot: Snapshot): readonly Change[] {
    this.#cancelLook?.()
    this.#cancelLook = null
    const kept = this.#waiting.filter((change) => isOf(change, snapshot))
    this.#waiting = []
    return kept
  }
}

const isOf = ({group, host}: Change, {groups, hosts}: Snapshot): boolean =>
  group === null ? host !== null && Object.hasOwn(hosts, host) : Object.hasOwn(groups, group)
