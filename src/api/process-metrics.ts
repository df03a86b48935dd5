import {performance} from 'node:perf_hooks'
import {Counter, Gauge, type Registry} from 'prom-client'

/**
 * CPU, memory and start time of the process, under their usual names. prom-client's own collection
 * is not used: `promtool check metrics` complains about it.
 */
export function processMetrics(registers: Registry[]): () => void {
  const memory = new Gauge({name: 'process_resident_memory_bytes', help: 'Resident memory size in bytes.', registers})
  const heap = new Gauge({name: 'process_heap_bytes', help: 'Size of the heap in bytes.', registers})
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers,
  })
  const started = new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since unix epoch in seconds.',
    registers,
  })
  const lag = new Gauge({
    name: 'pgroute66_event_loop_lag_seconds',
    help: 'The longest delay of the event loop since this was last read.',
    registers,
  })
  started.set(performance.timeOrigin / 1000)
  const longestMs = watchLoop()
  let spent = 0

  return () => {
    const {rss, heapUsed} = process.memoryUsage()
    memory.set(rss)
    heap.set(heapUsed)
    const {user, system} = process.cpuUsage()
    const now = (user + system) / 1e6
    cpu.inc(now - spent)
    spent = now
    lag.set(longestMs() / 1000)
  }
}

const everyMs = 250

/** Measures with a timer: whatever delays the timer delays all other work as well. */
function watchLoop(): () => number {
  let [longest, due] = [0, performance.now() + everyMs]
  setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - due)
    due = now + everyMs
  }, everyMs).unref()
  return () => {
    const found = Math.max(longest, performance.now() - due)
    longest = 0
    return found
  }
}
