import type {Clock} from '../core/ports.ts'
import {nap} from '../core/wait.ts'

export type ProbeTurnDeps = Readonly<{
  clock: Clock
  /** Between two probes, at the pace of this moment. */
  intervalMs: () => number
  /** Between two probes that news of the server start. */
  newsMs: number
}>

/** When the next probe of a host is due. */
export class ProbeTurn {
  readonly #deps: ProbeTurnDeps
  #pausing: ReturnType<typeof nap> | null = null
  #isDue = false
  #hasNews = false
  /** When the last probe was sent that news had started. */
  #newsAskedAt = Number.NEGATIVE_INFINITY

  constructor(deps: ProbeTurnDeps) {
    this.#deps = deps
  }

  /** The pace may have changed: a pause that is under way is cut to the new interval. */
  hasten(): void {
    this.#pausing?.wake()
  }

  /** Ends the pause; where a question is under way, the next one follows it at once. */
  askNow(): void {
    this.#isDue = true
    this.hasten()
  }

  /**
   * The server told of a change: the next probe is due now. A server that tells of one with every
   * answer is probed at the fast pace.
   */
  changed(): void {
    this.#hasNews = true
    this.hasten()
  }

  /** A probe begins; returns when. */
  begin(): number {
    const now = this.#deps.clock.now()
    if (this.#hasNews) this.#newsAskedAt = now
    this.#isDue = false
    this.#hasNews = false
    return now
  }

  /**
   * Waits for the rest of the interval; a faster pace that begins meanwhile counts from the same
   * start.
   */
  async rest(askedAt: number, signal: AbortSignal): Promise<void> {
    const {clock, intervalMs, newsMs} = this.#deps
    for (;;) {
      const byNewsAt = this.#hasNews ? this.#newsAskedAt + newsMs : Number.POSITIVE_INFINITY
      const restMs = Math.min(askedAt + intervalMs(), byNewsAt) - clock.now()
      if (restMs <= 0 || this.#isDue || signal.aborted) return
      this.#pausing = nap(clock, restMs, signal)
      await this.#pausing.done
    }
  }
}
