import type {Clock} from '../../../core/ports.ts'

/**
 * After so many sessions in a row whose first ping was not answered, this host is not pinged for a
 * while: what lies between does not speak pings.
 */
const mostFailures = 2
const mutedMs = 3_600_000

/** What became of the first pings of a host's sessions. */
export class PingTrials {
  readonly #clock: Clock
  readonly #warn: (text: string) => void
  #failures = 0
  #mutedUntil = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, warn: (text: string) => void) {
    this.#clock = clock
    this.#warn = warn
  }

  get isMuted(): boolean {
    return this.#clock.now() < this.#mutedUntil
  }

  passed(): void {
    this.#failures = 0
  }

  failed(): void {
    this.#failures += 1
    if (this.#failures < mostFailures) return
    this.#failures = 0
    this.#mutedUntil = this.#clock.now() + mutedMs
    this.#warn(
      'pings are not answered, though probes are: what lies between pgroute66 and PostgreSQL does not pass a bare ' +
        'Sync on. For an hour this host is watched by probes and knocks alone',
    )
  }
}
