import type {ProbeSettings} from '../core/settings.ts'
import type {VerdictKind} from '../core/vocabulary.ts'

const stirredMs = 10_000
const longestMs = 60_000

/**
 * How often a group is probed (DESIGN 5): fast while its verdict is not "primary" or a host changed
 * in the last ten seconds, and for at most a minute on end - a cluster that is down for the night
 * is not worth ten questions a second.
 */
export class Pace {
  #episode: number | null = null
  #changedAt = Number.NEGATIVE_INFINITY
  #kind: VerdictKind = 'starting'

  changed(now: number): void {
    this.#changedAt = now
  }

  judged(kind: VerdictKind): void {
    this.#kind = kind
  }

  isFast(now: number): boolean {
    const isStirred = this.#kind !== 'primary' || now - this.#changedAt < stirredMs
    if (!isStirred) this.#episode = null
    else this.#episode ??= now
    return this.#episode !== null && now - this.#episode < longestMs
  }

  intervalMs(now: number, probe: ProbeSettings): number {
    return this.isFast(now) ? Math.min(probe.fastIntervalMs, probe.intervalMs) : probe.intervalMs
  }
}
