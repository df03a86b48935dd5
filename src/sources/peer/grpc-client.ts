import {readFile} from 'node:fs/promises'
import type {ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders} from 'node:http2'
import type {PeerSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {
  clusterInfoPath,
  decodeReply,
  encodeQuestion,
  framed,
  largestMessage,
  unframed,
} from '../../protocol/cluster-info.ts'
import {type Heard, type PeerClient, troubleOf} from './client.ts'

/** harepd's own port. */
const usualPort = '10000'

/**
 * harepd, asked by its gRPC call over one kept connection of HTTP/2. It has one cluster, so the group is not
 * asked for. Files are read anew for each connection, which ends with the first question that fails.
 */
export class GrpcPeer implements PeerClient {
  readonly #settings: PeerSettings
  #session: ClientHttp2Session | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(settings: PeerSettings) {
    this.#settings = settings
  }

  /** Questions take turns: harepd asks its database for each. */
  ask(_group: string, signal: AbortSignal, limitMs: number): Promise<Heard> {
    const heard = this.#turn.then(() => this.#ask(signal, limitMs))
    this.#turn = heard
    return heard
  }

  async close(): Promise<void> {
    this.#session?.destroy()
    this.#session = null
  }

  async #ask(signal: AbortSignal, limitMs: number): Promise<Heard> {
    if (signal.aborted) return {trouble: 'did not answer in time'}
    try {
      const session =
        this.#session === null || this.#session.closed || this.#session.destroyed
          ? await this.#open(signal)
          : this.#session
      this.#session = session
      const ip = session.socket?.localAddress ?? ''
      const question = framed(encodeQuestion({ip, nodeId: -1, nodeName: ''}))
      const body = await exchange(session, question, {signal, limitMs})
      const {master} = decodeReply(unframed(body))
      return {word: {kind: 'metadata', masters: master, named: 'by address'}}
    } catch (error) {
      await this.close()
      return {trouble: error instanceof GrpcFailure ? error.message : troubleOf(error, signal)}
    }
  }

  async #open(signal: AbortSignal): Promise<ClientHttp2Session> {
    const {connect} = await import('node:http2')
    const {url, caFile, certFile, keyFile, serverName} = this.#settings
    const {hostname, port} = new URL(url)
    const authority = `${hostname}:${port || usualPort}`
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(textOf))
    // Without an authority to believe, harepd's files mean no TLS.
    const session =
      ca === undefined
        ? connect(`http://${authority}`, limits)
        : connect(`https://${authority}`, {
            ...limits,
            ca,
            ...(cert !== undefined && {cert}),
            ...(key !== undefined && {key}),
            ...(serverName !== null && {servername: serverName}),
          })
    const {promise, resolve, reject} = Promise.withResolvers<void>()
    // Kept for the life of the session: an error without a listener would end the process.
    session.on('error', reject)
    session.once('connect', () => resolve())
    session.once('close', () => reject(new Error('the connection was closed')))
    const forget = onAbort(signal, () => session.destroy(new Error('too late')))
    try {
      await promise
      return session
    } catch (error) {
      session.destroy()
      throw error
    } finally {
      forget()
    }
  }
}

const limits = {maxHeaderListPairs: 64, maxSessionMemory: 1, settings: {enablePush: false}}

const textOf = async (path: string | null) => (path === null ? undefined : readFile(path, 'utf8'))

/** The peer answered, and its answer is a failure. The message continues the name of the peer. */
class GrpcFailure extends Error {}

type Limit = Readonly<{signal: AbortSignal; limitMs: number}>

/** One call: the body of the answer. Rejects where `signal` aborts, and where the answer is a failure. */
function exchange(session: ClientHttp2Session, body: Uint8Array, {signal, limitMs}: Limit): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': clusterInfoPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${Math.ceil(limitMs)}m`,
    })
    const answer = new Answer()
    const forget = onAbort(signal, () => stream.destroy(new Error('too late')))
    stream.on('response', (headers) => answer.begin(headers, stream))
    stream.on('data', (chunk: Buffer) => answer.add(chunk, stream))
    stream.on('trailers', (trailers) => answer.end(trailers))
    stream.on('error', reject)
    stream.on('close', () => {
      forget()
      try {
        resolve(answer.body())
      } catch (error) {
        reject(error)
      }
    })
    stream.end(body)
  })
}

class Answer {
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #failure: Error | null = null
  #status: string | null = null
  #message = ''

  begin(headers: IncomingHttpHeaders, stream: ClientHttp2Stream): void {
    const type = String(headers['content-type'] ?? '')
    if (Number(headers[':status']) !== 200 || !type.startsWith('application/grpc')) {
      this.#failure = new GrpcFailure(`speaks no gRPC (HTTP status ${Number(headers[':status']) || 'unknown'})`)
      stream.destroy()
    }
    // An answer without a body has its status among the headers.
    this.end(headers)
  }

  add(chunk: Buffer, stream: ClientHttp2Stream): void {
    this.#bytes += chunk.length
    if (this.#bytes <= 5 + largestMessage) return void this.#chunks.push(chunk)
    this.#failure ??= new GrpcFailure(`answers with more than ${largestMessage} bytes`)
    stream.destroy()
  }

  end(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status']
    if (status === undefined) return
    this.#status = String(status)
    this.#message = String(headers['grpc-message'] ?? '')
  }

  body(): Uint8Array {
    if (this.#failure !== null) throw this.#failure
    if (this.#status === null) throw new GrpcFailure('broke off its answer')
    if (this.#status !== '0') {
      const status = /^\d{1,3}$/.test(this.#status) ? this.#status : 'unknown'
      throw new GrpcFailure(`answers with gRPC status ${status}${messageOf(this.#message)}`)
    }
    return Buffer.concat(this.#chunks)
  }
}

/** The peer's own words, percent-decoded, without what a terminal would obey. */
function messageOf(encoded: string): string {
  const cut = encoded.slice(0, 200)
  let text = cut
  try {
    text = decodeURIComponent(cut)
  } catch {
    // It stays as it was sent.
  }
  return text === '' ? '' : `: ${text.replaceAll(/\p{C}/gu, '?')}`
}
