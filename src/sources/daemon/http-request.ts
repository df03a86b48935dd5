import type {ClientRequest, IncomingMessage, RequestOptions} from 'node:http'
import type {TLSSocket} from 'node:tls'
import {bareHost} from '../../core/offers/bare-host.ts'
import type {Reply} from './get-unix.ts'

/** More than any answer of a daemon (some ten thousand hosts). A larger answer is refused. */
const largestBytes = 64 << 20

/**
 * Whose certificate counts: an authority of `ca` (PEM; else the system's), or the one pinned. `own`: the
 * certificate that this client shows, and its key, in PEM.
 */
export type TlsTrust = Readonly<
  {ca: string | undefined; own?: Readonly<{cert: string; key: string}> | null} | {fingerprint256: string}
>
export type HttpEndpoint = Readonly<
  {socketPath: string} | {host: string; port: number | undefined; tls: TlsTrust | null}
>
export type HttpRequest = Readonly<{
  path: string
  method?: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  signal: AbortSignal
}>

/**
 * One HTTP request over a unix socket or TCP, with its whole answer. Rejects with node's own error
 * (`code`: ECONNREFUSED, ABORT_ERR and so on), or with a plain Error where the answer is refused.
 * Loads the half of node that it needs when it is called: a check may do without TLS.
 */
export async function httpRequest(endpoint: HttpEndpoint, asked: HttpRequest): Promise<Reply> {
  const {path, method = 'GET', headers, body, signal} = asked
  const request = await openRequest(endpoint, {
    path,
    method,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && {'content-length': Buffer.byteLength(body)}),
      ...headers,
    },
    agent: false,
    signal,
  })
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      if (!isPinned(endpoint, response)) return request.destroy(strangeCertificate())
      readAll(response).then(resolve, (error) => {
        request.destroy()
        reject(error)
      })
    })
    request.end(body)
  })
}

/** `https://HOST:PORT` as an endpoint. `ca`: PEM of the authorities to believe, in place of the system's. */
export function endpointOfUrl(text: string, ca: string | undefined): HttpEndpoint {
  const url = new URL(text)
  return {
    host: bareHost(url),
    port: url.port === '' ? undefined : Number(url.port),
    tls: url.protocol === 'https:' ? {ca} : null,
  }
}

/** A request that was not sent yet: `end` sends it. A pinned certificate is the caller's to compare. */
export async function openRequest(endpoint: HttpEndpoint, options: RequestOptions): Promise<ClientRequest> {
  if ('socketPath' in endpoint || endpoint.tls === null) {
    const {request} = await import('node:http')
    const to = 'socketPath' in endpoint ? {socketPath: endpoint.socketPath} : tcp(endpoint)
    return request({...options, ...to})
  }
  const {request} = await import('node:https')
  const {tls} = endpoint
  const trust =
    'fingerprint256' in tls ? {rejectUnauthorized: false} : {...(tls.ca !== undefined && {ca: tls.ca}), ...tls.own}
  return request({...options, ...tcp(endpoint), ...trust})
}

const tcp = ({host, port}: Readonly<{host: string; port: number | undefined}>) => ({
  host,
  ...(port !== undefined && {port}),
})

/**
 * Why a request failed, in words. A client that speaks TLS to a plain port, or the other way round,
 * gets an error of its parser, which names neither.
 */
export function failureText(error: unknown, endpoint: HttpEndpoint): string {
  const {code, message} = error as NodeJS.ErrnoException
  const hasTls = 'tls' in endpoint && endpoint.tls !== null
  if (hasTls && (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER'))
    return `the server there does not speak TLS (${code}): write http:// for a daemon without "ssl"`
  if (!hasTls && 'host' in endpoint && code?.startsWith('HPE_'))
    return `the server there does not speak plain HTTP (${code}): write https:// for a daemon with "ssl"`
  if (!hasTls && 'host' in endpoint && code === 'ECONNRESET')
    return 'the server there ended the connection unanswered (ECONNRESET): write https:// for a daemon with "ssl"'
  return code?.startsWith('E') ? code : message || String(error)
}

/** Whether the answer is of the pinned certificate; also where none is pinned. */
export function isPinned(endpoint: HttpEndpoint, response: IncomingMessage): boolean {
  const tls = 'tls' in endpoint ? endpoint.tls : null
  return tls === null || !('fingerprint256' in tls) || fingerprintOf(response) === tls.fingerprint256
}

export const strangeCertificate = () => new Error('the server does not have the configured certificate')

const fingerprintOf = ({socket}: IncomingMessage) => (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256

async function readAll(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > largestBytes) throw new Error(`the answer is larger than ${largestBytes >> 20} MB`)
    chunks.push(chunk)
  }
  return {status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8')}
}
