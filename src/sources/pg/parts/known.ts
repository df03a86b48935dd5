import type {Clock} from '../../../core/ports.ts'
import type {ConnectionSettings} from '../../../core/settings.ts'
import {type Part, warningOf} from './part.ts'

/** After a GRANT the fact is known at the latest after this time. */
const recheckMs = 60_000

/** What a server denies or does not support of one question, as far as that was found out. */
export class LeftOut {
  /** Groups of parts that are still to be tried, because one of them fails. */
  suspects: readonly (readonly string[])[] = []
  /** Changes with `without`. */
  edition = 0
  #without: ReadonlyMap<string, readonly string[]> = new Map()
  readonly #tell: (part: Part, denied: readonly string[], detail: string) => void

  constructor(tell: (part: Part, denied: readonly string[], detail: string) => void) {
    this.#tell = tell
  }

  get without(): ReadonlySet<string> {
    return new Set(this.#without.keys())
  }

  /** `denied`: the needs that the role lacks. */
  get denied(): readonly string[] {
    return [...this.#without.values()].flat()
  }

  add(name: string, part: Part, denied: readonly string[], detail: string): void {
    if (this.#without.has(name)) return
    this.#change(new Map([...this.#without, [name, denied]]))
    this.#tell(part, denied, detail)
  }

  /** Asks again for the parts that lacked one of these. */
  granted(needs: readonly string[]): void {
    const isGranted = (need: string) => needs.includes(need)
    this.#change(new Map([...this.#without].filter(([, denied]) => !denied.some(isGranted))))
  }

  forget(): void {
    this.suspects = []
    this.#change(new Map())
  }

  #change(without: ReadonlyMap<string, readonly string[]>): void {
    this.#without = without
    this.edition += 1
  }
}

/**
 * What is known of one host, over all its sessions: a session does not find out again what another
 * one found out, and goes on where a search was cut short. A slow host would else never end it.
 */
export class Known {
  readonly session: LeftOut
  readonly probe: LeftOut
  readonly #clock: Clock
  #serverVersion: number | null = null
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, to: ConnectionSettings, warn: (text: string) => void) {
    const tell = (part: Part, denied: readonly string[], detail: string) => {
      if (part.fact !== null) warn(warningOf(part, denied, detail, to))
    }
    this.#clock = clock
    this.session = new LeftOut(tell)
    this.probe = new LeftOut(tell)
  }

  /** Another version may deny and support other functions. `true`: what was known is forgotten. */
  isOutdatedBy(serverVersion: number): boolean {
    const isOutdated = this.#serverVersion !== null && this.#serverVersion !== serverVersion
    this.#serverVersion = serverVersion
    if (isOutdated) for (const question of [this.session, this.probe]) question.forget()
    return isOutdated
  }

  get isCheckDue(): boolean {
    return this.#clock.now() - this.#checkedAt >= recheckMs
  }

  /** Is something granted by now that was denied? `deniedOf`: which of these needs are denied? */
  async isRegranted(deniedOf: (needs: readonly string[]) => Promise<readonly string[] | null>): Promise<boolean> {
    this.#checkedAt = this.#clock.now()
    const before = [...this.session.denied, ...this.probe.denied]
    const still = before.length === 0 ? before : await deniedOf(before)
    const granted = still === null ? [] : before.filter((need) => !still.includes(need))
    if (granted.length === 0) return false
    for (const question of [this.session, this.probe]) question.granted(granted)
    return true
  }
}
