import type {Clock} from '../core/ports.ts'

export const systemClock: Clock = {
  // Not `performance.now()`, which loads a dozen modules of Node.js and would delay a check.
  now() {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  wall: () => Date.now(),
  // Node.js counts whole milliseconds, so its timers fire up to 2 ms before their time.
  after(ms, run) {
    const due = systemClock.now() + ms
    const fire = () => {
      const leftMs = due - systemClock.now()
      if (leftMs > 0) timer = setTimeout(fire, Math.ceil(leftMs))
      else run()
    }
    let timer = setTimeout(fire, ms)
    return () => clearTimeout(timer)
  },
}
