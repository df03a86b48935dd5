import {Client, type Dispatcher} from 'undici'
import type {Clock} from '../core/ports.ts'
import {deadline, onAbort} from '../core/wait.ts'
import type {Connector, Dialing} from './connector.ts'
import {type FailureReason, reasonOf} from './failure-reason.ts'

/** How far a request came. Only after `not-sent` is it certain that the server did nothing. */
export type Delivery = 'not-sent' | 'maybe-sent' | 'response-received'

export type ExchangeRequest = Readonly<{
  /** `http://10.0.0.1:8008` */
  origin: string
  /** With its query: `/replica?lag=16MB`. */
  path: string
  method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** For the whole exchange, connecting included. */
  timeoutMs: number
  /** A larger body is refused. */
  maxBytes: number
  signal?: AbortSignal | undefined
}>

export type Exchanged = Readonly<
  | {kind: 'answer'; status: number; headers: Readonly<Record<string, string>>; body: string}
  | {kind: 'failure'; reason: FailureReason; delivery: Delivery; detail: string; cause: unknown}
>

export type ExchangeDeps = Readonly<{clock: Clock; connector: Connector}>

/**
 * One HTTP request on a connection of its own, with its whole answer. Never rejects. It never sends
 * anything twice and follows no redirect: a connection that is used again could be closed by the
 * server meanwhile, and the fate of the request would be unknown.
 */
export function exchange({clock, connector}: ExchangeDeps, request: ExchangeRequest): Promise<Exchanged> {
  const {origin, path, method, headers = {}, body = null, timeoutMs, maxBytes, signal} = request
  const limit = deadline(clock, timeoutMs, signal)
  const dialing: Dialing = {socket: null}
  const client = new Client(origin, {
    connect: connector.dial(dialing),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 64 << 10,
  })
  const {promise, resolve} = Promise.withResolvers<Exchanged>()
  const answer = {status: 0, headers: {} as ReceivedHeaders, chunks: [] as Buffer[], bytes: 0}
  let delivery: Delivery = 'not-sent'

  const end = (exchanged: Exchanged) => {
    resolve(exchanged)
    forget()
    limit[Symbol.dispose]()
    // The client does not know a socket that still connects.
    dialing.socket?.destroy(new Error('the exchange has ended'))
    client.destroy().catch(() => {})
  }
  const fail = (reason: FailureReason, detail: string, cause: unknown = null) =>
    end({kind: 'failure', reason, delivery, detail, cause})
  // Since TLS 1.3, a server that asks for a certificate in vain just ends the connection.
  const hint = (error: unknown) => {
    const isBare = origin.startsWith('https:') && !connector.hasCertificate && delivery === 'maybe-sent'
    return isBare && reasonOf(error) === 'closed' ? '. Does it ask for a client certificate?' : ''
  }
  let forget = () => {}
  forget = onAbort(limit.signal, () => {
    if (signal?.aborted) fail('aborted', 'the caller ended the request', signal.reason)
    else fail('timeout', `no whole answer within ${timeoutMs} ms`)
  })
  if (limit.signal.aborted) return promise

  client.dispatch(
    {path, method, headers, body, reset: true},
    {
      onRequestStart(controller) {
        if (limit.signal.aborted) controller.abort(new Error('too late'))
        else delivery = 'maybe-sent'
      },
      onResponseStart(_, status, received) {
        delivery = 'response-received'
        answer.status = status
        answer.headers = received
      },
      onResponseData(_, chunk) {
        answer.bytes += chunk.length
        if (answer.bytes > maxBytes) fail('too-large', `the answer has more than ${maxBytes} bytes`)
        else answer.chunks.push(chunk)
      },
      onResponseEnd: () =>
        end({
          kind: 'answer',
          status: answer.status,
          headers: plain(answer.headers),
          body: Buffer.concat(answer.chunks).toString('utf8'),
        }),
      onResponseError: (_, error) => fail(reasonOf(error), detailOf(error) + hint(error), error),
    },
  )
  return promise
}

type ReceivedHeaders = Dispatcher.ResponseData['headers']

/** A header that comes several times is joined, as HTTP allows (RFC 9110, 5.3). */
const plain = (headers: ReceivedHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value = '']) => [name, typeof value === 'string' ? value : value.join(', ')]),
  )

function detailOf(error: unknown): string {
  const {code, message, errors} = error as NodeJS.ErrnoException & {errors?: readonly Error[]}
  const [first] = errors ?? []
  return message || first?.message || code || String(error)
}
