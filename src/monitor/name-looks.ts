import type {Clock, HostDriver} from '../core/ports.ts'
import {deadline} from '../core/wait.ts'

export type NameLook = Readonly<{
  driver: HostDriver
  clock: Clock
  timeoutMs: number
  /** Takes in what was found. */
  found: () => void
}>

/**
 * Looks names up. Names move together: an exchange of two, or a new zone. When one host's name has
 * moved, the sessions of others may be with the wrong server too, and their knocks are up to an
 * interval away. A router that was loaded in between would go to the new server by the old answer.
 */
export class NameLooks {
  readonly #looks = new Map<string, NameLook & Readonly<{stop: AbortController}>>()

  add(host: string, look: NameLook): void {
    this.#looks.set(host, {...look, stop: new AbortController()})
  }

  remove(host: string): void {
    this.#looks.get(host)?.stop.abort()
    this.#looks.delete(host)
  }

  /** Looks the names of these hosts up; does not wait. */
  again(hosts: readonly string[]): void {
    for (const host of hosts) void this.#look(host)
  }

  async #look(host: string): Promise<void> {
    const look = this.#looks.get(host)
    if (look === undefined) return
    const {driver, clock, timeoutMs, found, stop} = look
    using limit = deadline(clock, timeoutMs, stop.signal)
    await driver.addresses(limit.signal)
    if (!stop.signal.aborted) found()
  }
}
