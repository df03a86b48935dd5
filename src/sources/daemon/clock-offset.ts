/**
 * How old an event is when it arrives. What waited in a socket - because we were suspended, or the
 * network held it back - is not as fresh as it looks, and monotonic clocks of two machines cannot
 * be compared. But the first snapshot of a connection was made after we asked for it, so the
 * daemon's wall clock was at least that far then; every later event is dated from there. Errs
 * towards older.
 */
export class ClockOffset {
  readonly #askedAt: number
  /** Their wall clock minus our monotonic one, at most. */
  #offset: number | null = null

  /** `askedAt`: monotonic, when the request was sent. */
  constructor(askedAt: number) {
    this.#askedAt = askedAt
  }

  /**
   * When, by our monotonic clock, the event was made that says `at` (wall clock, theirs) and
   * arrived `now`. The first one sets the scale. Throws on no time.
   */
  madeAt(at: number, now: number): number {
    if (Number.isNaN(at)) throw new SyntaxError('an event without a time')
    this.#offset ??= at - this.#askedAt
    return Math.min(now, at - this.#offset)
  }
}
