import type {Clock, HostDriver} from '../core/ports.ts'

/** An answer counts as slow only from here on: a busy server is no slow network. */
const slowMs = 100

/** Whether the answers of a host's session took longer than its round trips go, and when. */
export class Slowness {
  readonly #clock: Clock
  readonly #driver: HostDriver
  /** The probe under way, and how long it takes at most as its round trips went so far. */
  #asking: Readonly<{at: number; usualMs: number}> | null = null
  #slowAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, driver: HostDriver) {
    this.#clock = clock
    this.#driver = driver
  }

  asked(at: number): void {
    this.#asking = {at, usualMs: this.#driver.limitMs(slowMs, 1)}
  }

  /** The probe under way is over, however it ended. */
  ended(): void {
    const now = this.#clock.now()
    if (this.#asking !== null && now - this.#asking.at > this.#asking.usualMs) this.#slowAt = now
    this.#asking = null
  }

  /** A ping was answered after `tripMs`. */
  pinged(tripMs: number): void {
    if (tripMs > this.#driver.limitMs(slowMs, 1)) this.#slowAt = this.#clock.now()
  }

  /** Was an answer slower than usual after `since`, or is it now? `pingSentAt`: of the ping under way. */
  isSlow(since: number, pingSentAt: number | null): boolean {
    const now = this.#clock.now()
    const asking = this.#asking
    if (this.#slowAt >= since || (asking !== null && now - asking.at > asking.usualMs)) return true
    return pingSentAt !== null && now - pingSentAt > this.#driver.limitMs(slowMs, 1)
  }
}
