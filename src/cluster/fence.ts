import type {Clock} from '../core/ports.ts'

/**
 * A lease is counted from when its renewal was *sent*, and by the clock of this process: the registry
 * began to count later, so it ends the lease later. What is left of it is the time in which another
 * instance cannot have become the owner.
 */
const share = 0.7

/**
 * Whether this instance may still write, and whether it knows what happened meanwhile. An instance that
 * only lost the registry goes on to answer: what it sees of hosts it sees. One that stood still past its
 * lease does not: other instances may have become owners, and taken orders that it does not know.
 */
export class Fence {
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #gapMs: number
  #validUntil = Number.NEGATIVE_INFINITY
  #tickedAt: number
  /** Wall time before monotonic time: it grows where the machine slept, or its clock was set forward. */
  #offset: number
  #sleptMs = 0
  #sleptUntil = Number.NEGATIVE_INFINITY
  #suspendedAt: number | null = null

  /** `gapMs`: without a tick for so long, this process counts as having stood still. */
  constructor(clock: Clock, {ttlMs, gapMs}: Readonly<{ttlMs: number; gapMs: number}>) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#gapMs = gapMs
    this.#tickedAt = clock.now()
    this.#offset = clock.wall() - clock.now()
  }

  /** Nothing is published, and no shared router gets a command, past the end of this. */
  get isValid(): boolean {
    this.#noteSleep()
    return this.#clock.now() < this.#validUntil
  }

  /** Monotonic: until when the lease holds by our own clock. */
  get validUntil(): number {
    return this.#validUntil
  }

  renewed(sentAt: number): void {
    this.#noteSleep()
    if (sentAt <= this.#sleptUntil) return
    this.#validUntil = Math.max(this.#validUntil, sentAt + share * this.#ttlMs)
  }

  ended(): void {
    this.#validUntil = Number.NEGATIVE_INFINITY
  }

  /** Called by a timer, several times a second, and before each answer. `true`: it stood still just now. */
  tick(): boolean {
    this.#noteSleep()
    const now = this.#clock.now()
    const hasStoodStill = now - this.#tickedAt + this.#sleptMs > this.#gapMs && now >= this.#validUntil
    this.#tickedAt = now
    this.#sleptMs = 0
    if (hasStoodStill) this.#suspendedAt = now
    return hasStoodStill
  }

  /** Nothing that this instance knows of its own groups may be told. */
  get isSuspended(): boolean {
    return this.#suspendedAt !== null
  }

  /** The registry was read, by a question that was sent at `askedAt`. */
  caughtUp(askedAt: number): void {
    if (this.#suspendedAt !== null && askedAt >= this.#suspendedAt) this.#suspendedAt = null
  }

  /** A machine that sleeps stops its monotonic clock; the lease goes on, and only the wall clock tells. */
  #noteSleep(): void {
    const now = this.#clock.now()
    const offset = this.#clock.wall() - now
    const ms = offset - this.#offset
    this.#offset = offset
    if (ms <= 0) return
    this.#validUntil -= ms
    this.#sleptMs += ms
    if (ms > this.#gapMs) this.#sleptUntil = now
  }
}
