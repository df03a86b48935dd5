import type {ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders} from 'node:http2'
import type {PeerSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {
  clusterInfoPath,
  decodeReply,
  encodeQuestion,
  framed,
  groupHeader,
  largestReply,
  unframed,
  viewHeader,
  viewIn,
  viewVersion,
} from '../../protocol/cluster-info.ts'
import {percentDecoded} from '../../protocol/grpc.ts'
import {textIn} from '../../system/configured-file.ts'
import {type Heard, type PeerClient, troubleOf} from './client.ts'
import {viewOf} from './view.ts'

/** harepd's own port. */
const usualPort = '10000'

/**
 * harepd, or a pgroute66 that answers as harepd does, asked by one gRPC call over one kept connection of HTTP/2.
 * A pgroute66 shows itself by a header, and is a peer like one that is asked over HTTP; harepd has one cluster, and
 * repeats the metadata of repmgr. Files are read anew for each connection, which ends with the first question that
 * fails.
 */
export class GrpcPeer implements PeerClient {
  readonly #settings: PeerSettings
  #session: ClientHttp2Session | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(settings: PeerSettings) {
    this.#settings = settings
  }

  /** Questions take turns: harepd asks its database for each. */
  ask(group: string, signal: AbortSignal, limitMs: number): Promise<Heard> {
    const heard = this.#turn.then(() => this.#ask(group, signal, limitMs))
    this.#turn = heard
    return heard
  }

  async close(): Promise<void> {
    this.#session?.destroy()
    this.#session = null
  }

  async #ask(group: string, signal: AbortSignal, limitMs: number): Promise<Heard> {
    if (signal.aborted) return {trouble: 'did not answer in time'}
    try {
      const session =
        this.#session === null || this.#session.closed || this.#session.destroyed
          ? await this.#open(signal)
          : this.#session
      this.#session = session
      const ip = session.socket?.localAddress ?? ''
      const question = framed(encodeQuestion({ip, nodeId: -1, nodeName: ''}))
      const {body, isView} = await exchange(session, question, {group, signal, limitMs})
      const message = unframed(body)
      const {master: masters, slaves} = decodeReply(message)
      if (!isView) return {word: {kind: 'metadata', masters, slaves, named: 'by address'}}
      return {word: {kind: 'view', view: viewOf(viewIn(message), group)}}
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
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map((file) => textIn(file)))
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

/** The peer answered, and its answer is a failure. The message continues the name of the peer. */
class GrpcFailure extends Error {}

type Asking = Readonly<{group: string; signal: AbortSignal; limitMs: number}>
type Answered = Readonly<{body: Uint8Array; isView: boolean}>

/** One call: the answer. Rejects where `signal` aborts, and where the answer is a failure. */
function exchange(session: ClientHttp2Session, body: Uint8Array, asking: Asking): Promise<Answered> {
  const {group, signal, limitMs} = asking
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': clusterInfoPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${Math.ceil(limitMs)}m`,
      [viewHeader]: viewVersion,
      [groupHeader]: group,
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
        resolve({body: answer.body(), isView: answer.isView})
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
  #isView = false

  /** The peer is a pgroute66. */
  get isView(): boolean {
    return this.#isView
  }

  begin(headers: IncomingHttpHeaders, stream: ClientHttp2Stream): void {
    const type = String(headers['content-type'] ?? '')
    if (Number(headers[':status']) !== 200 || !type.startsWith('application/grpc')) {
      this.#failure = new GrpcFailure(`speaks no gRPC (HTTP status ${Number(headers[':status']) || 'unknown'})`)
      stream.destroy()
    }
    this.#isView = headers[viewHeader] === viewVersion
    // An answer without a body has its status among the headers.
    this.end(headers)
  }

  add(chunk: Buffer, stream: ClientHttp2Stream): void {
    this.#bytes += chunk.length
    if (this.#bytes <= 5 + largestReply) return void this.#chunks.push(chunk)
    this.#failure ??= new GrpcFailure(`answers with more than ${largestReply} bytes`)
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

/** The peer's own words, without what a terminal would obey. */
function messageOf(encoded: string): string {
  const text = percentDecoded(encoded.slice(0, 600)).slice(0, 200)
  return text === '' ? '' : `: ${text.replaceAll(/\p{C}/gu, '?')}`
}
