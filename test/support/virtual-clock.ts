import type {Clock} from '../../src/core/ports.ts'

type Timer = {at: number; order: number; run: (() => void) | null}

/**
 * Time that passes only when told to. Timers fire one by one, in order, and everything that a timer
 * set off has come to rest before the next one fires: the same seed gives the same history, down to
 * the microtask.
 */
export class VirtualClock implements Clock {
  #now = 1_000
  #wallOffset = 1_790_000_000_000
  #order = 0
  #timers: Timer[] = []
  /** Called each time everything has come to rest. */
  onRest: () => void = () => {}

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#now + this.#wallOffset
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = {at: this.#now + Math.max(0, ms), order: this.#order++, run}
    this.#push(timer)
    return () => {
      timer.run = null
    }
  }

  /** Timers that are still to fire: what is left of them after a stop is a leak. */
  get pending(): number {
    return this.#timers.filter(({run}) => run !== null).length
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.rest()
    for (;;) {
      const next = this.#next()
      if (next === null || next.at > end) break
      await this.#fire(next)
    }
    this.#now = end
    this.onRest()
  }

  /**
   * Lets time pass until `condition` holds; how long that took. Throws when it does not within
   * `limitMs`.
   */
  async until(condition: () => boolean, limitMs = 60_000): Promise<number> {
    const begun = this.#now
    await this.rest()
    while (!condition()) {
      const next = this.#next()
      if (next === null || next.at > begun + limitMs)
        throw new Error(`did not happen within ${limitMs} virtual ms: ${condition}`)
      await this.#fire(next)
    }
    return this.#now - begun
  }

  /** The result of `work`, which needs time to pass. */
  async through<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    let isDone = false
    const done = () => {
      isDone = true
    }
    work.then(done, done)
    await this.until(() => isDone, limitMs)
    return work
  }

  /** The event loop stood still for `ms`: everything that was due fires late. */
  async stall(ms: number): Promise<void> {
    this.#now += ms
    await this.rest()
  }

  /**
   * The wall clock moves and the monotonic one does not: the machine was suspended, or its clock
   * was set.
   */
  jumpWall(ms: number): void {
    this.#wallOffset += ms
  }

  /**
   * Everything that can go on without time passing goes on. Node runs all microtasks before the
   * next immediate.
   */
  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.onRest()
  }

  async #fire(timer: Timer): Promise<void> {
    this.#pop()
    this.#now = Math.max(this.#now, timer.at)
    const {run} = timer
    timer.run = null
    run?.()
    await this.rest()
  }

  #next(): Timer | null {
    while (this.#timers[0] && this.#timers[0].run === null) this.#pop()
    return this.#timers[0] ?? null
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    let index = heap.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (isBefore(heap[parent] as Timer, timer)) break
      heap[index] = heap[parent] as Timer
      index = parent
    }
    heap[index] = timer
  }

  #pop(): void {
    const heap = this.#timers
    const last = heap.pop() as Timer
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      if (left >= heap.length) break
      const right = left + 1
      const least = right < heap.length && isBefore(heap[right] as Timer, heap[left] as Timer) ? right : left
      if (isBefore(last, heap[least] as Timer)) break
      heap[index] = heap[least] as Timer
      index = least
    }
    heap[index] = last
  }
}

const isBefore = (one: Timer, other: Timer) => one.at < other.at || (one.at === other.at && one.order < other.order)
