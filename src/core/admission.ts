import type {Clock} from './ports.ts'
import {lateMs, onAbort} from './wait.ts'

/**
 * So many logins at once: TLS and SCRAM take the CPU of this process, and its hosts' time with it. It
 * begins with the fewest, one more after each login that this process did not hold up, and half of
 * them after a timer that came late.
 */
const places = {fewest: 4, most: 32} as const
/** A login that takes longer waits for its server, not for this process: the next one may begin. */
const heldMs = 100
/** On a busy machine every timer is late: then a login gives its place back after this time. */
const longestMs = 300

/** `isUrgent`: goes before those that are not, such as a host whose session has just ended. */
export type Applicant = Readonly<{isUrgent: boolean; signal: AbortSignal}>

/** Gives the place back; idempotent. */
export type Leave = () => void

/**
 * Admits the logins of the whole process. (Seen: a start with many hosts on a busy machine began
 * all logins at once, and healthy hosts did not finish theirs in time.) Time limits begin when a
 * login is admitted: the time in the queue is this process's own. Servers that hang delay the
 * others only for a moment, because a place is given back while a login waits for its server.
 */
export class Admission {
  readonly #clock: Clock
  readonly #queues = {urgent: new Set<() => void>(), other: new Set<() => void>()}
  #places: number = places.fewest
  #taken = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Some logins wait for a place. */
  get isCrowded(): boolean {
    return this.#queues.urgent.size + this.#queues.other.size > 0
  }

  /** `null`: all places are taken. */
  enterNow(): Leave | null {
    return this.#taken < this.#places ? this.#take() : null
  }

  /** Resolves when there is a place, and at once when `signal` aborts. */
  enter({isUrgent, signal}: Applicant): Promise<Leave> {
    const queue = isUrgent ? this.#queues.urgent : this.#queues.other
    const {promise, resolve} = Promise.withResolvers<Leave>()
    let forget = () => {}
    const admit = () => {
      queue.delete(admit)
      forget()
      resolve(this.#take())
    }
    forget = onAbort(signal, () => {
      queue.delete(admit)
      resolve(() => {})
    })
    if (signal.aborted) return promise
    queue.add(admit)
    this.#admitNext()
    return promise
  }

  #take(): Leave {
    this.#taken += 1
    const begun = this.#clock.now()
    let isHeld = true
    let isLate = false
    let cancel = () => {}
    const leave = () => {
      cancel()
      if (!isHeld) return
      isHeld = false
      this.#taken -= 1
      if (!isLate) this.#places = Math.min(this.#places + 1, places.most)
      this.#admitNext()
    }
    const wait = () => {
      const due = this.#clock.now() + heldMs
      cancel = this.#clock.after(heldMs, () => {
        const now = this.#clock.now()
        const isLateNow = now - due > lateMs
        if (isLateNow) this.#places = Math.max(Math.floor(this.#places / 2), places.fewest)
        isLate ||= isLateNow
        if (isLateNow && now - begun < longestMs) wait()
        else leave()
      })
    }
    wait()
    return leave
  }

  #admitNext(): void {
    while (this.#taken < this.#places) {
      const [next] = this.#queues.urgent.size > 0 ? this.#queues.urgent : this.#queues.other
      if (next === undefined) return
      next()
    }
  }
}
