import type {Clock} from '../core/ports.ts'
import {type Connector, connectorOf, type Liveness, type Tls} from '../http/connector.ts'
import {type Exchanged, type ExchangeRequest, exchange} from '../http/exchange.ts'
import {systemClock} from '../system/clock.ts'
import type {Answer} from './answer.ts'
import {Mismatch, type Reader} from './data/reader.ts'
import {PatroniError, usageError} from './error.ts'

/** Larger than any answer of Patroni. */
export const maxAnswerBytes = 8 << 20

/** Of `restapi.authentication`. Sent with orders alone: Patroni asks for it nowhere else. */
export type Auth = Readonly<{user: string; password: string}>

export type TransportOptions = Readonly<{
  tls?: Tls | undefined
  auth?: Auth | undefined
  clock?: Clock | undefined
  liveness?: Liveness | undefined
}>

export type Call = Readonly<{
  /** The whole call, in milliseconds. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}>
type Question = Readonly<{
  url: string
  target: string
  method: ExchangeRequest['method']
  body?: unknown
  timeoutMs: number
  signal?: AbortSignal | undefined
}>

/** Sends one request to one member. Made once for all members: certificates and password are the same. */
export class Transport {
  readonly #clock: Clock
  readonly #connector: Connector
  readonly #authorization: string | null

  /** Throws PatroniError (`request`) where a certificate or a key is no PEM. */
  constructor({tls, auth, clock = systemClock, liveness}: TransportOptions) {
    this.#clock = clock
    this.#authorization = auth ? `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}` : null
    if ((tls?.cert === undefined) !== (tls?.key === undefined)) throw usageError('cert and key belong together')
    this.#connector = connectorOf(tls, liveness)
  }

  get clock(): Clock {
    return this.#clock
  }

  /**
   * `read`: of a JSON body; `null`: the body is text, and `data` is `raw`. Rejects with PatroniError
   * where no answer came, and on a 2xx whose body cannot be read.
   */
  async ask<T>(question: Question, read: Reader<T> | null): Promise<Answer<T>> {
    const exchanged = await this.#send(question)
    if (exchanged.kind === 'failure') throw failureOf(question, exchanged)
    const {status, headers, body} = exchanged
    return {status, headers, raw: body, data: dataOf(question, exchanged, read), member: question.url}
  }

  #send({url, target, method, body, timeoutMs, signal}: Question): Promise<Exchanged> {
    const isOrder = !['GET', 'HEAD', 'OPTIONS'].includes(method)
    const headers = {
      accept: 'application/json',
      ...(isOrder && this.#authorization !== null && {authorization: this.#authorization}),
      ...(body !== undefined && {'content-type': 'application/json'}),
    }
    const text = body === undefined ? undefined : JSON.stringify(body)
    const request = {origin: url, path: target, method, headers, timeoutMs, maxBytes: maxAnswerBytes, signal}
    const deps = {clock: this.#clock, connector: this.#connector}
    return exchange(deps, text === undefined ? request : {...request, body: text})
  }
}

function failureOf({url, target, method}: Question, failure: Extract<Exchanged, {kind: 'failure'}>): PatroniError {
  const {reason, delivery, detail, cause} = failure
  const message = `${method} ${url}${target}: ${detail}`
  return new PatroniError({reason, delivery, member: url, message, ...(cause != null && {cause})})
}

function dataOf<T>(
  {url, target, method}: Question,
  {status, body}: Extract<Exchanged, {kind: 'answer'}>,
  read: Reader<T> | null,
): T | null {
  // `read` is null only where T is string.
  if (read === null) return body as T
  try {
    return read(JSON.parse(body), '')
  } catch (cause) {
    if (status < 200 || status > 299) return null
    const detail = cause instanceof Mismatch ? cause.message : 'the body is not JSON'
    const message = `${method} ${url}${target} answers ${status}, but not as Patroni does: ${detail}`
    throw new PatroniError({reason: 'malformed', delivery: 'response-received', member: url, message, cause})
  }
}

/**
 * The root of a member's REST API, without a slash at its end. Takes Patroni's `api_url`, which ends
 * in /patroni, and `host:port`, as the registrator writes it. Throws PatroniError (`request`).
 */
export function memberUrl(text: string): string {
  const given = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw usageError(`${JSON.stringify(shown(text))} is not the address of a member: write http://HOST:8008`)
  if (url.username !== '' || url.password !== '')
    throw usageError(`the URL of ${url.host} holds a password: use the option "auth"`)
  return url.origin
}

/** The same of what a member or a DCS tells; `null`: it is no address, and cannot be asked. */
export function toldUrl(text: string | undefined): string | null {
  try {
    return text === undefined ? null : memberUrl(text)
  } catch (error) {
    if (error instanceof PatroniError) return null
    throw error
  }
}

/** Never what may be a password. */
const shown = (text: string) => text.replace(/^.*@/s, '…@').slice(0, 200)
