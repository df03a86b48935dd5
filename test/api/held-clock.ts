import type {Clock} from '../../src/core/ports.ts'
import {realClock} from '../support/fake-source.ts'

export interface HeldClock extends Clock {
  /** Fires the timers that were set to `ms`. Throws where there is none. */
  fire(ms: number): void
}

/**
 * Real time, but a timer of `heldMs` or more waits for `fire`. A test that needs to know what causes
 * an event then measures no time, which a busy machine would spoil.
 */
export function heldClock(heldMs = 1_000): HeldClock {
  const clock = realClock()
  const held = new Set<Readonly<{ms: number; run: () => void}>>()
  return {
    ...clock,
    after(ms, run) {
      if (ms < heldMs) return clock.after(ms, run)
      const timer = {ms, run}
      held.add(timer)
      return () => void held.delete(timer)
    },
    fire(ms) {
      const due = [...held].filter((timer) => timer.ms === ms)
      if (due.length === 0) throw new Error(`no timer of ${ms} ms is set, only: ${[...held].map((one) => one.ms)}`)
      for (const timer of due) {
        held.delete(timer)
        timer.run()
      }
    },
  }
}
