import type {Clock} from '../core/ports.ts'
import {type Connector, connectorOf, type Tls} from '../http/connector.ts'
import {type Exchanged, exchange} from '../http/exchange.ts'
import {EtcdError} from './error.ts'

export type EtcdOptions = Readonly<{
  /** `https://10.0.0.10:2379`; `host:port` is http. */
  endpoints: readonly string[]
  user?: string | undefined
  password?: string | undefined
  tls?: Tls | undefined
  clock: Clock
  /** For one endpoint; the next one is asked afterwards. */
  timeoutMs?: number | undefined
}>

type Answer = Extract<Exchanged, {kind: 'answer'}>
type Question = Readonly<{path: string; method: 'GET' | 'POST'; headers?: Record<string, string>; body?: string}>

const maxAnswerBytes = 16 << 20

/** The endpoints of one etcd. Questions only: they may be asked again elsewhere. */
export class Endpoints {
  readonly clock: Clock
  readonly connector: Connector
  readonly timeoutMs: number
  readonly #origins: readonly string[]
  #current = 0

  /** Throws EtcdError on an address that is none. */
  constructor({endpoints, tls, clock, timeoutMs = 1_000}: EtcdOptions) {
    if (endpoints.length === 0) throw new EtcdError('not-supported', null, 'no endpoint of etcd is named')
    this.#origins = endpoints.map(originOf)
    this.clock = clock
    this.connector = connectorOf(tls)
    this.timeoutMs = timeoutMs
  }

  /** The one that answered last. */
  get current(): string {
    return this.#origins[this.#current] ?? ''
  }

  /** Leaves the current one, unless another caller has left it already. */
  leave(origin: string): void {
    if (this.current === origin) this.#current = (this.#current + 1) % this.#origins.length
  }

  /** The answer of one endpoint. Rejects with EtcdError. */
  async askAt(
    origin: string,
    question: Question,
    signal?: AbortSignal,
    timeoutMs: number = this.timeoutMs,
  ): Promise<Answer> {
    const {clock, connector} = this
    const request = {origin, ...question, timeoutMs, maxBytes: maxAnswerBytes, signal}
    const exchanged = await exchange({clock, connector}, request)
    if (exchanged.kind === 'answer') return exchanged
    const {reason, detail, cause} = exchanged
    throw new EtcdError(reason, origin, `etcd at ${origin}${question.path}: ${detail}`, cause ?? undefined)
  }

  /**
   * `ask` at one endpoint after the other, from the one that answered last. An answer of etcd that
   * refuses is final; an endpoint that is silent or has lost its quorum is not. Rejects with the
   * last EtcdError, or with the first one about a certificate.
   */
  async inTurn<T>(ask: (origin: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let last: unknown = null
    for (let left = this.#origins.length; left > 0; left--) {
      const origin = this.current
      try {
        return await ask(origin)
      } catch (error) {
        if (!(error instanceof EtcdError) || isFinal(error) || signal?.aborted) throw error
        // A certificate that is refused says more than another endpoint's silence.
        if (!(last instanceof EtcdError && last.reason === 'tls')) last = error
        this.leave(origin)
      }
    }
    throw last
  }
}

const isFinal = ({reason}: EtcdError) => reason === 'auth' || reason === 'not-supported' || reason === 'refused'

function originOf(text: string): string {
  const given = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(given) ? new URL(given) : null
  if (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    url.username === '' &&
    url.password === ''
  )
    return url.origin
  const shown = text.replace(/^.*@/, '…@').slice(0, 200)
  throw new EtcdError('not-supported', null, `${JSON.stringify(shown)} is no endpoint of etcd: write http://HOST:2379`)
}
