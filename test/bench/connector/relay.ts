import {once} from 'node:events'
import {connect, createServer, type Server, type Socket} from 'node:net'

/** A server's second address, which can be taken away: all that is connected there ends. */
export class Relay implements AsyncDisposable {
  readonly #to: Readonly<{host: string; port: number}>
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null

  constructor(to: Readonly<{host: string; port: number}>) {
    this.#to = to
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server = createServer((client) => {
      const server = connect(this.#to)
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
        from.pipe(to)
      }
    }).listen(port, host)
    await once(this.#server, 'listening')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server !== null) await once(this.#server, 'close')
    this.#server = null
  }
}
