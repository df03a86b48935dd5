import type {Server, Socket} from 'node:net'
import type {CountDrop} from './drop-reason.ts'

/**
 * Limits the open connections of all listeners together. A new connection is never refused, because
 * it may be the load balancer's. The limit closes an old connection instead: one that has sent
 * nothing yet, else the oldest. Answers take no time, so few clients lose one; those retry.
 */
export class ConnectionLimit {
  readonly #most: number
  readonly #dropped: CountDrop
  /** In order of arrival. */
  readonly #sockets = new Set<Socket>()

  constructor(most: number, dropped: CountDrop) {
    this.#most = most
    this.#dropped = dropped
  }

  get size(): number {
    return this.#sockets.size
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      if (this.#sockets.size >= this.#most) this.#makeRoom()
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  #makeRoom(): void {
    let looked = 0
    let silent: Socket | null = null
    for (const socket of this.#sockets) {
      if (socket.bytesRead === 0) silent = socket
      looked += 1
      if (silent !== null || looked > 256) break
    }
    const [oldest] = this.#sockets
    const leaving = silent ?? oldest
    if (!leaving) return
    this.#sockets.delete(leaving)
    this.#dropped('limit')
    leaving.destroy()
  }
}
