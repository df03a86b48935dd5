/** How much of the time is left for printing and leaving. */
const reserveMs = 60

/** Of this process. `performance.now()` would load a dozen of node's modules. */
const ageMs = (): number => process.uptime() * 1000

/**
 * The end of a check, whatever hangs: HAProxy starts the next one regardless. `end` must print and
 * leave. Time counts from the start of the process, loading included, because that is how whoever
 * waits for us counts.
 */
export class CheckDeadline {
  readonly #end: (why: string) => never
  readonly #abort = new AbortController()
  #timers: NodeJS.Timeout[] = []
  #totalMs = 0

  constructor(totalMs: number, end: (why: string) => never) {
    this.#end = end
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => end(`ended by ${signal} before there was an answer`))
    this.set(totalMs)
  }

  /** Aborts a little before the end, so that there is time to judge what has been heard. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Never negative. */
  get leftMs(): number {
    return Math.max(0, this.#totalMs - reserveMs - ageMs())
  }

  set(totalMs: number): void {
    this.#totalMs = totalMs
    for (const timer of this.#timers) clearTimeout(timer)
    const endMs = Math.max(0, totalMs - ageMs())
    this.#timers = [
      setTimeout(() => this.#abort.abort(), this.leftMs),
      setTimeout(() => this.#end(`no answer within ${totalMs} ms`), endMs),
    ]
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
