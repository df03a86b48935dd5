import type {Clock, HostDriver, HostSession, Pings} from '../../../src/core/ports.ts'
import {isFailure} from '../../../src/core/ports.ts'

/**
 * One process on the virtual clock: it can be frozen (SIGSTOP), thawed, and killed. While it is frozen,
 * nothing in it runs; what came meanwhile waits, as in its sockets.
 */
export class SimulatedProcess implements Clock {
  readonly #clock: Clock
  #isFrozen = false
  #isDead = false
  #waiting: (() => void)[] = []
  #wallOffset = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isRunning(): boolean {
    return !this.#isFrozen && !this.#isDead
  }

  get isFrozen(): boolean {
    return this.#isFrozen && !this.#isDead
  }

  get isDead(): boolean {
    return this.#isDead
  }

  now(): number {
    return this.#clock.now()
  }

  wall(): number {
    return this.#clock.wall() + this.#wallOffset
  }

  after(ms: number, run: () => void): () => void {
    let isCancelled = false
    const cancel = this.#clock.after(ms, () =>
      this.act(() => {
        if (!isCancelled) run()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }

  /** The clock of this machine is off by so much. */
  set wallOffset(ms: number) {
    this.#wallOffset = ms
  }

  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    if (!this.#isFrozen) return
    this.#isFrozen = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const act of waiting) this.#clock.after(0, () => this.act(act))
  }

  kill(): void {
    this.#isDead = true
    this.#waiting = []
  }

  /** Now, or when it is thawed; never, once it is dead. */
  act(run: () => void): void {
    if (this.#isDead) return
    if (this.#isFrozen) this.#waiting.push(run)
    else run()
  }

  /** What comes from outside is taken in when the process runs. */
  gate<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.act(() => resolve(value)),
        (error) => this.act(() => reject(error)),
      )
    })
  }

  driver(inner: HostDriver): HostDriver {
    return {
      open: async (signal) => {
        const session = await this.gate(inner.open(signal))
        return isFailure(session) ? session : this.#session(session)
      },
      knock: (signal) => this.gate(inner.knock(signal)),
      limitMs: (configuredMs, trips) => inner.limitMs(configuredMs, trips),
      addresses: (signal) => this.gate(inner.addresses(signal)),
      resolved: () => inner.resolved(),
      heartbeat: (ask, signal) => this.gate(inner.heartbeat(ask, signal)),
      close: () => inner.close(),
    }
  }

  #session(inner: HostSession): HostSession {
    const pings: Pings | null = inner.pings
    return {
      facts: inner.facts,
      probe: (ask, signal) => this.gate(inner.probe(ask, signal)),
      hasBackend: (pid, start, signal) => this.gate(inner.hasBackend(pid, start, signal)),
      pings: pings && {
        get sentAt() {
          return pings.sentAt
        },
        get isProven() {
          return pings.isProven
        },
        send: () => pings.send(),
        listen: ({answered, changed}) =>
          pings.listen({
            answered: (tripMs) => this.act(() => answered(tripMs)),
            changed: () => this.act(changed),
          }),
      },
      onClosed: (listener) => inner.onClosed((failure) => this.act(() => listener(failure))),
      close: () => inner.close(),
    }
  }
}
