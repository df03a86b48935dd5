import {get} from 'node:http'
import {createParser} from 'eventsource-parser'
import type {WireChanges, WireSnapshot, WireVerdict} from '../../src/protocol/snapshot-json.ts'
import type {Haproxy} from '../support/haproxy.ts'

/**
 * The servers of a backend that HAProxy gives connections to, from `at` on; `last`: when that was
 * last seen to be so.
 */
export type UpServers = Readonly<{at: number; names: readonly string[]}> & {last: number; looks: number}
/** When a new verdict came to be known here. */
export type Heard = Readonly<{at: number; verdict: WireVerdict}>

const lookMs = 5

/**
 * Watches both sides of a switch: what HAProxy does and what the daemon says. Times are this
 * process's.
 */
export class Lookout implements AsyncDisposable {
  /** One entry per change. */
  readonly ups: UpServers[] = []
  readonly heard: Heard[] = []
  readonly #stop = new AbortController()
  readonly #watching: Promise<void>
  readonly #listening: Promise<void>

  constructor(haproxy: Haproxy, backend: string, daemonUrl: string) {
    this.#watching = this.#watch(haproxy, backend)
    this.#listening = this.#listen(daemonUrl)
    // Told when it is disposed.
    for (const one of [this.#watching, this.#listening]) one.catch(() => {})
  }

  get up(): readonly string[] {
    return this.ups.at(-1)?.names ?? []
  }

  get looks(): number {
    return this.ups.reduce((sum, {looks}) => sum + looks, 0)
  }

  get routedTo(): string | null {
    return this.heard.at(-1)?.verdict.routed_to ?? null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#watching, this.#listening])
  }

  async #watch(haproxy: Haproxy, backend: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const states = await haproxy.states()
      const at = performance.now()
      // "UP", "UP 1/2" for one that is about to go down, "no check" for one without a health check;
      // "DOWN 1/2" gets nothing yet.
      const isUp = (server: string) => server.startsWith(`${backend}/`) && /^(UP|no check)/.test(states[server] ?? '')
      const names = Object.keys(states)
        .filter(isUp)
        .map((server) => server.slice(backend.length + 1))
        .sort()
      const before = this.ups.at(-1)
      if (before === undefined || before.names.join() !== names.join()) this.ups.push({at, names, last: at, looks: 1})
      else {
        before.last = at
        before.looks += 1
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  /** Resolves when told to stop, and rejects when the daemon ends the stream. */
  #listen(url: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const parser = createParser({
        onEvent: ({event, data}) => {
          const parsed = JSON.parse(data) as WireChanges | WireSnapshot
          const verdict = ('snapshot' in parsed ? parsed.snapshot : parsed).groups.all?.verdict
          const before = this.heard.at(-1)?.verdict
          if (verdict === undefined || event === 'sample') return
          if (before?.rule !== verdict.rule || before.routed_to !== verdict.routed_to)
            this.heard.push({at: performance.now(), verdict})
        },
      })
      const end = (error?: Error) =>
        this.#stop.signal.aborted ? resolve() : reject(error ?? new Error('the daemon ended its events'))
      const request = get(`${url}/v1/events?samples=0`, {signal: this.#stop.signal}, (response) => {
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => parser.feed(chunk))
          .on('end', end)
          .on('error', end)
      })
      request.on('error', end)
    })
  }
}
