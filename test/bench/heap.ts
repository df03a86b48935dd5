// Loaded into `serve` by --import, beside --expose-gc: tells on a unix socket what is still there
// after a garbage collection. Nothing of the product knows of it, and neither the socket nor its
// server keeps the process alive.
import {createServer} from 'node:net'
import {setImmediate} from 'node:timers/promises'
import {isMainThread} from 'node:worker_threads'

export type Inside = Readonly<{heapBytes: number; resources: readonly string[]}>
export const socketVariable = 'BENCH_HEAP_SOCKET'

const path = process.env[socketVariable]
if (path !== undefined && globalThis.gc !== undefined && isMainThread) {
  const server = createServer(async (socket) => {
    // Taken before the collection, which finishes what was under way.
    const resources = process.getActiveResourcesInfo()
    globalThis.gc?.()
    // Finalizers run in between, and what they let go is garbage too.
    await setImmediate()
    globalThis.gc?.()
    const inside: Inside = {heapBytes: process.memoryUsage().heapUsed, resources}
    socket.on('error', () => {}).end(JSON.stringify(inside))
  })
  server.listen(path).unref()
}
