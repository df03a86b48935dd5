import type {Clock, Log} from '../../core/ports.ts'
import type {EtcdRegistry} from '../../sources/shared/etcd-registry.ts'
import {type Room, readRoom} from '../../sources/shared/room.ts'

export type RoomWatchDeps = Readonly<{registry: EtcdRegistry; clock: Clock; log: Log}>

const everyMs = 5 * 60_000
const limitMs = 5_000
const unknown: Room = {sizeBytes: 0, quotaBytes: null, warnings: [], refusal: null}

/** Looks from time to time at how full etcd is. */
export class RoomWatch implements Disposable {
  readonly #deps: RoomWatchDeps
  #latest: Room | null = null
  #told = ''
  #cancel: () => void = () => {}

  constructor(deps: RoomWatchDeps) {
    this.#deps = deps
  }

  /** `null`: etcd has not answered yet. */
  get latest(): Room | null {
    return this.#latest
  }

  /** At the start. An etcd that is away is no reason not to begin: the others may own the groups. */
  async first(): Promise<Room> {
    await this.#look()
    return this.#latest ?? unknown
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }

  async #look(): Promise<void> {
    const {registry, clock, log} = this.#deps
    try {
      this.#latest = await readRoom(await registry.writer(), AbortSignal.timeout(limitMs))
      const told = [this.#latest.refusal ?? [], this.#latest.warnings].flat().join('; ')
      if (told !== '' && told !== this.#told) log.warn({}, `etcd of the set: ${told}`)
      this.#told = told
    } catch (error) {
      log.warn({error: String(error)}, 'etcd of the set does not tell its size')
    }
    this.#cancel = clock.after(everyMs, () => void this.#look())
  }
}
