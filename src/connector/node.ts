import type {Clock} from '../core/ports.ts'
import type {HostState} from '../core/snapshot.ts'
import type {Role} from '../core/vocabulary.ts'
import {type Latency, withSample} from './policy/latency.ts'
import type {Suspicion} from './policy/suspicion.ts'
import {durationMs} from './settings.ts'
import type {Duration, Node} from './types.ts'

export type NodeDeps = Readonly<{
  /** `undefined`: no longer configured. */
  state: () => HostState | undefined
  suspicion: () => Suspicion | null
  inFlight: () => number
  switched: () => void
  cut: () => void
  clock: Clock
}>

/** How often a drain looks whether the host is free. */
const lookMs = 20

export class HostNode implements Node {
  readonly name: string
  queries = 0
  errors = 0
  connectionErrors = 0
  latency: Latency | null = null
  readonly #deps: NodeDeps
  #isOnline = true

  constructor(name: string, deps: NodeDeps) {
    this.name = name
    this.#deps = deps
  }

  get role(): Role {
    return this.#deps.state()?.role ?? 'unavailable'
  }

  get location(): string | null {
    return this.#deps.state()?.location ?? null
  }

  get inFlight(): number {
    return this.#deps.inFlight()
  }

  get suspect(): string | null {
    return this.#deps.suspicion()?.error.message ?? null
  }

  get lagBytes(): number | null {
    const state = this.#deps.state()
    return state?.role === 'standby' ? state.lagBytes : null
  }

  get online(): boolean {
    return this.#isOnline
  }

  set online(isOnline: boolean) {
    if (this.#isOnline === isOnline) return
    this.#isOnline = isOnline
    this.#deps.switched()
  }

  async drain(grace: Duration = '10s'): Promise<void> {
    const {clock} = this.#deps
    const due = clock.now() + durationMs('drain', grace)
    this.online = false
    while (this.inFlight > 0 && clock.now() < due) await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    if (this.inFlight > 0) this.#deps.cut()
  }

  /** The host is gone. The application may hold this object, so it serves a host that returns. */
  reset(): void {
    this.queries = 0
    this.errors = 0
    this.connectionErrors = 0
    this.latency = null
  }

  /** A statement that succeeded; the first one of a connection says nothing of the host. */
  measured(ms: number): void {
    this.latency = withSample(this.latency, ms, this.#deps.clock.now())
  }
}
