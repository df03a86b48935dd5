import type {Clock, HostDriver} from '../core/ports.ts'

/** An answer counts as slow only from here on: a busy server is no slow network. */
const slowMs = 100
/**
 * So long after a slow answer a session is not pinged: twice as long where it was slow again soon
 * after the last rest.
 */
const rests = {firstMs: 10_000, longestMs: 300_000} as const

/** Whether the answers of a host's session took longer than its round trips go, and when. */
export class Slowness {
  readonly #clock: Clock
  readonly #driver: HostDriver
  /** The probe under way, and how long it takes at most as its round trips went so far. */
  #asking: Readonly<{at: number; usualMs: number}> | null = null
  #slowAt = Number.NEGATIVE_INFINITY
  #restMs: number = rests.firstMs

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
    if (this.#asking !== null && now - this.#asking.at > this.#asking.usualMs) this.#note(now)
    this.#asking = null
  }

  /** A question went unanswered for longer than a ping may take. */
  alarmed(): void {
    this.#note(this.#clock.now())
  }

  /** A ping was answered after `tripMs`. */
  pinged(tripMs: number): void {
    if (tripMs > this.#driver.limitMs(slowMs, 1)) this.#note(this.#clock.now())
  }

  /**
   * When pings may be sent again (monotonic). On a way that loses packets each ping is one more to be
   * lost, and what waits behind it in the session is the probe: at 20 % of loss, pings made three
   * times as many healthy hosts unavailable.
   */
  get pingsRestUntil(): number {
    return this.#slowAt + this.#restMs
  }

  /** Was an answer slower than usual after `since`, or is it now? `pingSentAt`: of the ping under way. */
  isSlow(since: number, pingSentAt: number | null): boolean {
    const now = this.#clock.now()
    const asking = this.#asking
    if (this.#slowAt >= since || (asking !== null && now - asking.at > asking.usualMs)) return true
    return pingSentAt !== null && now - pingSentAt > this.#driver.limitMs(slowMs, 1)
  }

  #note(now: number): void {
    const over = this.pingsRestUntil
    if (now >= over)
      this.#restMs = now < over + this.#restMs ? Math.min(2 * this.#restMs, rests.longestMs) : rests.firstMs
    this.#slowAt = now
  }
}
