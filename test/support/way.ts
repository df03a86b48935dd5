import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net'

/** How late an answer is that is late. */
export const lateMs = 300

/** The way from HAProxy to the daemon, which may fall silent, refuse, or delay answers. */
export class Way implements AsyncDisposable {
  state: 'open' | 'silent' | 'refusing' = 'open'
  /** Answers about this host come late. */
  late: string | null = null
  /** Questions about host1 as a writer that got no answer. */
  unanswered = 0
  readonly #open = new Set<Socket>()
  #server: Server | null = null

  /** Its port, in front of the daemon's. */
  async before(daemon: number): Promise<number> {
    const server = createServer((client) => this.#pass(client, daemon)).listen(0, '127.0.0.1')
    this.#server = server
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close()
  }

  turn(state: Way['state']): void {
    this.state = state
    this.unanswered = 0
    if (state === 'refusing') for (const socket of this.#open) socket.destroy()
  }

  #pass(client: Socket, to: number): void {
    client.on('error', () => {})
    if (this.state === 'refusing') {
      this.unanswered += 1
      client.resetAndDestroy()
      return
    }
    this.#open.add(client)
    let waitMs = 0
    const daemon = connect(to, '127.0.0.1').on('error', () => {})
    client.on('data', (chunk) => {
      const question = String(chunk)
      if (this.state === 'open') {
        waitMs = this.late !== null && new RegExp(`(/|^)${this.late}[;@]`, 'm').test(question) ? lateMs : 0
        daemon.write(chunk)
      } else if (question.includes('pg_write/host1')) this.unanswered += 1
    })
    daemon.on('data', (chunk) => void setTimeout(() => client.writable && client.write(chunk), waitMs))
    client.on('close', () => {
      this.#open.delete(client)
      daemon.destroy()
    })
    daemon.on('close', () => void setTimeout(() => client.destroy(), waitMs))
  }
}
