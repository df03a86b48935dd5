import {sleep} from '../../core/wait.ts'
import {systemClock} from '../../system/clock.ts'

const betweenMs = 500

/** Looks again until `look` gives a value, for `limitMs` at most; `null`: it never did. */
export async function seenWithin<T>(limitMs: number, look: () => Promise<T | null>): Promise<T | null> {
  const end = systemClock.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== null || systemClock.now() >= end) return found
    await sleep(systemClock, betweenMs, new AbortController().signal)
  }
}
