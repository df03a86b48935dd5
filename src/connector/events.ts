import type {Verdict} from '../core/snapshot.ts'
import type {Kind} from './kind.ts'

export type ConnectorEvents = {
  /** Writes go to another host now; `null`: to none. */
  switch: Readonly<{from: string | null; to: string | null; verdict: Verdict}>
  /** A read lost this host. Reads avoid it until the monitor has asked it again. */
  suspect: Readonly<{host: string; error: Error}>
  back: Readonly<{host: string}>
  retry: Readonly<{host: string; error: Error; attempt: number; kind: Kind}>
  /** A write was sent, and its outcome is unknown. */
  unknown: Readonly<{host: string; error: Error}>
  /** No standby may serve a read, so `to` does. */
  fallback: Readonly<{to: string; why: string}>
  /** How many writes wait for a writer. */
  waiting: Readonly<{count: number}>
}

/** Listeners, by event. One that throws warns (`process.emitWarning`), and the others go on. */
export class Emitter {
  readonly #listeners = new Map<keyof ConnectorEvents, Set<(event: never) => void>>()

  on<E extends keyof ConnectorEvents>(event: E, listener: (event: ConnectorEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    // One per call, so that each call takes off its own.
    const own = (told: ConnectorEvents[E]) => listener(told)
    listeners.add(own)
    return () => listeners.delete(own)
  }

  emit<E extends keyof ConnectorEvents>(event: E, told: ConnectorEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        ;(listener as (event: ConnectorEvents[E]) => void)(told)
      } catch (error) {
        process.emitWarning(`a listener of "${event}" threw: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
}
