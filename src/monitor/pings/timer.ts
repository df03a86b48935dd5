import type {Clock} from '../../core/ports.ts'
import {afterLimit} from '../../core/wait.ts'

/** Pings that are due within this time share one timer. */
const leastMs = 5

/**
 * So many alarms knock at once: where a network stutters, the handshakes of a thousand knocks would
 * take the time of this process. Further ones leave the host to the limit of the probe.
 */
const mostAlarms = 64

/** Counts the alarms that knock. */
class AlarmCount {
  #count = 0

  /** `false`: too many knock already. */
  enter(): boolean {
    if (this.#count >= mostAlarms) return false
    this.#count += 1
    return true
  }

  leave(): void {
    this.#count -= 1
  }
}

/** Something that is due again and again. */
export interface Due {
  /** Does what is due as of `now`, and returns when it is due next (both monotonic). */
  step(now: number): number
}

/**
 * One timer for the pings of every host. It is a limit as well, because an unanswered ping raises an
 * alarm: where it fires late, this process was held up, and its sockets are read first.
 */
export class PingTimer {
  readonly #clock: Clock
  /** Of all hosts. */
  readonly alarms = new AlarmCount()
  readonly #dueAt = new Map<Due, number>()
  #cancel = () => {}
  #firesAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many sessions are pinged. */
  get size(): number {
    return this.#dueAt.size
  }

  /** Due now: what is new, and what may be due sooner than it said. */
  hasten(due: Due): void {
    const now = this.#clock.now()
    this.#dueAt.set(due, now)
    this.#arm(now, now)
  }

  remove(due: Due): void {
    this.#dueAt.delete(due)
    if (this.#dueAt.size > 0) return
    this.#cancel()
    this.#firesAt = Number.POSITIVE_INFINITY
  }

  #arm(dueAt: number, now: number): void {
    const firesAt = Math.max(dueAt, now + leastMs)
    if (this.#firesAt <= firesAt) return
    this.#cancel()
    this.#firesAt = firesAt
    this.#cancel = afterLimit(this.#clock, firesAt - now, () => this.#fire())
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [due, before] of this.#dueAt) {
      const at = before <= now ? due.step(now) : before
      // A step may have removed it.
      if (!this.#dueAt.has(due)) continue
      this.#dueAt.set(due, at)
      next = Math.min(next, at)
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next, now)
  }
}
