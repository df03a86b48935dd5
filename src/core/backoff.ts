import type {Random} from './ports.ts'

const firstMs = 50

/**
 * Jittered exponential backoff: 50 ms, doubling, never above `capMs()`; each wait is between half
 * of that and all of it, so that clients spread out.
 */
export function backoff(random: Random, capMs: () => number): Readonly<{next(): number; reset(): void}> {
  let ms = firstMs
  return {
    next() {
      const wait = Math.min(ms, capMs())
      ms = Math.min(ms * 2, capMs() * 2)
      return wait * (0.5 + random() / 2)
    },
    reset() {
      ms = firstMs
    },
  }
}
