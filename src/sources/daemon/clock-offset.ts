/**
 * How old an event is when it arrives. An event may have waited in a socket, because this process
 * was suspended or the network was slow, and monotonic clocks of two machines cannot be compared.
 * But the daemon made the first snapshot of a connection after the request was sent. That gives the
 * offset between the daemon's wall clock and the monotonic clock here; every later event is dated
 * by it. The error is always towards older.
 */
export class ClockOffset {
  readonly #askedAt: number
  /** The daemon's wall clock minus the monotonic clock here; the true offset is at most this. */
  #offset: number | null = null

  /** `askedAt`: monotonic, when the request was sent. */
  constructor(askedAt: number) {
    this.#askedAt = askedAt
  }

  /**
   * When, by the monotonic clock here, the daemon made the event. `at`: the daemon's wall clock in
   * the event. `now`: when it arrived. The first event sets the offset. Throws where `at` is NaN.
   */
  madeAt(at: number, now: number): number {
    if (Number.isNaN(at)) throw new SyntaxError('an event without a time')
    this.#offset ??= at - this.#askedAt
    return Math.min(now, at - this.#offset)
  }
}
