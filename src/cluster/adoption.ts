import type {SetImage} from './record.ts'

/** An instance that restarts does not end an adoption meanwhile. */
const settledMs = 60_000

/**
 * An operator's choice of a configuration (`instances adopt`) is for the change at hand. It has done its work
 * once all instances have had one configuration for a minute. Kept for longer, it would take the groups from every
 * instance when, months later, one begins with that configuration again.
 */
export class Adoption {
  #agreed: Readonly<{hash: string; since: number}> | null = null

  /** Called at each turn. `now`: monotonic. */
  isOver({instances, adopted}: SetImage, now: number): boolean {
    const [hash, ...others] = new Set([...instances.values()].map(({configHash}) => configHash))
    if (adopted.value === null || hash === undefined || others.length > 0) {
      this.#agreed = null
      return false
    }
    if (this.#agreed?.hash !== hash) this.#agreed = {hash, since: now}
    return now - this.#agreed.since >= settledMs
  }
}
