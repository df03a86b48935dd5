import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {answered} from './patroni-stage.ts'

type Play = 'answers' | 'hangs' | 'closes'

/** A member of Patroni that answers as a recorded one, whatever its `Date` was then. */
export class FakeMember implements AsyncDisposable {
  /** What it does with every request from now on. */
  plays: Play = 'answers'
  /** Requests that have no answer yet, and the most of them at one time. */
  open = 0
  mostOpen = 0
  readonly asked: string[] = []
  /** Whole answers for other paths than /leader. */
  readonly bodies: Record<string, unknown> = {'/config': {ttl: 20, loop_wait: 2, retry_timeout: 3}}
  #said: Readonly<{status: number; body: Readonly<Record<string, unknown>>}> = {status: 503, body: {}}
  #date = ''
  readonly #held = new Set<ServerResponse>()
  readonly #server = createServer((request, response) => this.#serve(request, response))

  static async start(state: string, node: string): Promise<FakeMember> {
    const member = new FakeMember()
    member.says(state, node)
    await new Promise<void>((resolve) => member.#server.listen(0, '127.0.0.1', resolve))
    return member
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  says(state: string, node: string, body: object = {}, status?: number): void {
    const said = answered(state, node, body, status)
    if ('error' in said) throw new Error(`${state} has no answer of ${node}`)
    this.#said = said
    this.#date = said.date
  }

  /** Questions about the lock so far. */
  get rounds(): number {
    return this.asked.filter((path) => path === '/leader').length
  }

  /** The requests that hung are answered now. */
  thaw(): void {
    this.plays = 'answers'
    for (const response of this.#held) this.#answer('/leader', response)
    this.#held.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve({url = ''}: IncomingMessage, response: ServerResponse): void {
    this.asked.push(url)
    this.open += 1
    this.mostOpen = Math.max(this.mostOpen, this.open)
    response.on('close', () => {
      this.open -= 1
    })
    if (this.plays === 'closes') response.destroy()
    else if (this.plays === 'hangs') this.#held.add(response)
    else this.#answer(url, response)
  }

  #answer(path: string, response: ServerResponse): void {
    const other = this.bodies[path]
    if (path !== '/leader' && other === undefined) {
      response.writeHead(502, {'content-type': 'text/html'}).end('<p>Message: Bad Gateway.</p>')
      return
    }
    const headers = {'content-type': 'application/json', date: this.#date}
    response.writeHead(path === '/leader' ? this.#said.status : 200, headers)
    response.end(JSON.stringify(path === '/leader' ? this.#said.body : other))
  }
}
