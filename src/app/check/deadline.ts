/** How much of the time is kept for printing and for leaving. */
const reserveMs = 60
const usualTimeoutMs = 2_000

/** Age of this process. `performance.now()` would load a dozen of node's modules. */
const ageMs = (): number => process.uptime() * 1000

/**
 * The end of a check, whatever hangs: HAProxy starts the next check regardless. Time counts from
 * the start of the process, loading included, because the caller counts in the same way.
 */
export class CheckDeadline {
  readonly #isFixed: boolean
  readonly #abort = new AbortController()
  readonly #ended = Promise.withResolvers<string>()
  #timers: readonly NodeJS.Timeout[] = []
  #totalMs = 0

  /** `timeoutMs`: `--timeout`; `null`: `check.timeout` of the configuration, once it is read. */
  constructor(timeoutMs: number | null) {
    this.#isFixed = timeoutMs !== null
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => this.#ended.resolve(`ended by ${signal} before there was an answer`))
    this.#set(timeoutMs ?? usualTimeoutMs)
  }

  /** Aborts a little before the end, so that there is time to judge the answers received so far. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Never negative. */
  get leftMs(): number {
    return Math.max(0, this.#totalMs - reserveMs - ageMs())
  }

  /** `check.timeout` of the configuration: it holds unless there is a `--timeout`. */
  setConfigured(totalMs: number): void {
    if (!this.#isFixed) this.#set(totalMs)
  }

  /** The result of `work`, or of `otherwise` when the time is up or a signal ends the process. */
  async race<T>(work: Promise<T>, otherwise: (why: string) => T): Promise<T> {
    return Promise.race([work, this.#ended.promise.then(otherwise)])
  }

  #set(totalMs: number): void {
    this.#totalMs = totalMs
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = [
      // Two timers, as in `afterLimit`: an answer that waits in a socket is read before the second.
      setTimeout(() => setTimeout(() => this.#abort.abort(), 1), this.leftMs),
      setTimeout(() => this.#ended.resolve(`no answer within ${totalMs} ms`), Math.max(0, totalMs - ageMs())),
    ]
  }
}
