import type {IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream} from 'node:http2'
import type {Clock, Log} from '../../core/ports.ts'
import {
  clusterInfoPath,
  decodeQuestion,
  framed,
  groupHeader,
  largestMessage,
  unframed,
  viewHeader,
  viewVersion,
} from '../../protocol/cluster-info.ts'
import {GrpcError, grpcStatus, grpcTimeoutMs, percentEncoded} from '../../protocol/grpc.ts'
import {type ClusterInfoDeps, clusterInfo} from './cluster-info.ts'

export type CallDeps = ClusterInfoDeps & Readonly<{clock: Clock; log: Log}>
/** Answers one call. Never throws. */
export type Calls = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/** A question has twenty bytes: a client that takes longer is disconnected. */
const longestMs = 10_000
const largestBody = 5 + largestMessage
const type = 'application/grpc'

/** The service `models.ClusterInfo` of harepd, answered from the latest snapshot. */
export const callsOf =
  (deps: CallDeps): Calls =>
  (stream, headers) => {
    // A client that leaves is no error of this process.
    stream.on('error', () => {})
    const refusal = refusalOf(headers)
    if (refusal !== null) return endWith(stream, refusal)
    try {
      new Call(stream, headers, deps).begin()
    } catch (error) {
      fail(stream, error, deps.log)
    }
  }

class Call {
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #deps: CallDeps
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, deps: CallDeps) {
    this.#stream = stream
    this.#headers = headers
    this.#deps = deps
  }

  /** Throws GrpcError where the call is refused by its headers alone. */
  begin(): void {
    const {clock, log} = this.#deps
    const limitMs = checkedLimit(this.#headers)
    const stream = this.#stream
    const late = () => new GrpcError(grpcStatus.deadlineExceeded, 'the question did not arrive in time')
    const cancel = clock.after(limitMs, () => fail(stream, late(), log))
    stream.on('close', () => {
      cancel()
      this.#chunks.length = 0
    })
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('end', () => {
      cancel()
      if (!stream.headersSent) this.#answer()
    })
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes <= largestBody) return void this.#chunks.push(chunk)
    this.#chunks.length = 0
    const error = new GrpcError(grpcStatus.resourceExhausted, `the question has more than ${largestMessage} bytes`)
    fail(this.#stream, error, this.#deps.log)
  }

  #answer(): void {
    const stream = this.#stream
    try {
      decodeQuestion(messageIn(Buffer.concat(this.#chunks)))
      const {clock} = this.#deps
      const isView = this.#headers[viewHeader] === viewVersion
      const asked = {
        group: oneText(this.#headers[groupHeader]),
        isView,
        localAddress: stream.session?.socket.localAddress ?? '',
        at: {now: clock.now(), wall: clock.wall()},
      }
      const reply = framed(clusterInfo(this.#deps, asked))
      stream.respond({':status': 200, 'content-type': type, ...(isView && {[viewHeader]: viewVersion})}, trailing)
      stream.once('wantTrailers', () => stream.sendTrailers({'grpc-status': String(grpcStatus.ok)}))
      stream.end(reply)
    } catch (error) {
      fail(stream, error, this.#deps.log)
    }
  }
}

const trailing = {waitForTrailers: true}

/** What is no gRPC at all gets a status of HTTP; `null`: it is gRPC. */
function refusalOf(headers: IncomingHttpHeaders): OutgoingHttpHeaders | null {
  if (headers[':method'] !== 'POST') return {':status': 405, allow: 'POST'}
  return /^application\/grpc(\+proto)?( *;.*)?$/i.test(headers['content-type'] ?? '') ? null : {':status': 415}
}

/**
 * Milliseconds that the question may take to arrive. Throws GrpcError where the call is none of
 * this service.
 */
function checkedLimit(headers: IncomingHttpHeaders): number {
  if (headers[':path'] !== clusterInfoPath)
    throw new GrpcError(grpcStatus.unimplemented, `this method is unknown; ${clusterInfoPath} is the only one`)
  const encoding = oneText(headers['grpc-encoding'])
  if (encoding !== null && encoding !== 'identity')
    throw new GrpcError(grpcStatus.unimplemented, 'compressed messages are not read')
  const asked = oneText(headers['grpc-timeout'])
  const timeoutMs = asked === null ? longestMs : grpcTimeoutMs(asked)
  if (timeoutMs === null) throw new GrpcError(grpcStatus.internal, 'grpc-timeout is malformed')
  return Math.min(longestMs, timeoutMs)
}

function messageIn(body: Uint8Array): Uint8Array {
  if (body[0] === 1) throw new GrpcError(grpcStatus.unimplemented, 'compressed messages are not read')
  return unframed(body, largestMessage)
}

const oneText = (value: string | readonly string[] | undefined): string | null =>
  value === undefined ? null : String(value)

/** Trailers alone. A call that has its answer already, or that is gone, gets none. */
function fail(stream: ServerHttp2Stream, error: unknown, log: Log): void {
  if (stream.headersSent || stream.destroyed || stream.closed) return
  const told = failureOf(error, log)
  const headers = {
    ':status': 200,
    'content-type': type,
    'grpc-status': String(told.status),
    'grpc-message': percentEncoded(told.message),
    'grpc-accept-encoding': 'identity',
  }
  endWith(stream, headers)
}

function failureOf(error: unknown, log: Log): GrpcError {
  if (error instanceof GrpcError) return error
  if (error instanceof SyntaxError) return new GrpcError(grpcStatus.internal, error.message)
  log.error({error: (error as Error).stack ?? String(error)}, 'bug: a gRPC call could not be answered')
  return new GrpcError(grpcStatus.internal, 'pgroute66 has a bug: see its log')
}

/**
 * A client that still sends is told to stop, as gRPC's own servers do: once the headers are on
 * their way.
 */
function endWith(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond(headers, {endStream: true})
  stream.resume()
  setImmediate(() => {
    if (!stream.readableEnded && !stream.closed) stream.close()
  })
}
