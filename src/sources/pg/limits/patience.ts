import type {Clock} from '../../../core/ports.ts'
import {adaptedMs, measured, type RoundTrip} from '../../../core/round-trip.ts'
import {afterLimit, onAbort} from '../../../core/wait.ts'

/** The round trip to one host. Its sessions, knocks and heartbeats share what each of them measures. */
export class RoundTrips {
  readonly #clock: Clock
  #latest: RoundTrip | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A question leaves; the returned function is called when its answer is there. */
  begin(): () => void {
    const begun = this.#clock.now()
    return () => this.took(this.#clock.now() - begun)
  }

  took(tripMs: number): void {
    this.#latest = measured(this.#latest, tripMs)
  }

  limitMs(configuredMs: number, trips: number): number {
    return adaptedMs(configuredMs, trips, this.#latest)
  }
}

/**
 * The steps of a connection and their round trips: before version 1.3 TLS takes two, a login by SCRAM
 * takes three. Each has one more, for a packet that gets lost and is repeated.
 */
const trips = {name: 0, handshake: 2, tlsOffer: 2, tls: 3, firstAnswer: 2, login: 4, question: 2} as const

/** How long an attempt to connect may take: every step has a limit of its own. */
export interface Patience extends Disposable {
  readonly clock: Clock
  readonly roundTrips: RoundTrips
  /** Aborts when a step takes too long, or the caller gives up. */
  readonly signal: AbortSignal
  /** The next step begins, and the limit of the step before ends. */
  begin(step: keyof typeof trips): void
}

/**
 * `stepMs`: the configured limit, which adapts to the round trip. A limit for the whole attempt would
 * be too short for a distant host (seen: from a round trip of 250 ms with TLS, 500 ms without,
 * every healthy host was `hung`). `null`: the caller's `signal` is the only limit.
 */
export function patience(clock: Clock, roundTrips: RoundTrips, stepMs: number | null, signal: AbortSignal): Patience {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const forget = onAbort(signal, abort)
  let cancel = () => {}
  return {
    clock,
    roundTrips,
    signal: controller.signal,
    begin(step) {
      cancel()
      if (stepMs !== null) cancel = afterLimit(clock, roundTrips.limitMs(stepMs, trips[step]), abort)
    },
    [Symbol.dispose]() {
      cancel()
      forget()
    },
  }
}
