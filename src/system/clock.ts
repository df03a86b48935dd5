import type {Clock} from '../core/ports.ts'

export const systemClock: Clock = {
  // Not `performance.now()`, which loads a dozen modules of Node.js and would delay a check.
  now() {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
