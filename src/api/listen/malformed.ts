import {STATUS_CODES} from 'node:http'
import type {Duplex} from 'node:stream'
import {problem} from '../answer.ts'
import type {CountDrop} from './drop-reason.ts'

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/**
 * A request that is not HTTP gets a short answer, where the client still reads, and the connection
 * is closed. The answers are prepared, because such requests may come in thousands.
 */
const answers = new Map(
  [400, 408, 413, 431].map((status) => {
    const {body, type} = problem(status, {
      code: 'BAD_REQUEST',
      detail: status === 408 ? 'the request did not arrive in time' : 'the request is not valid HTTP',
      next: 'Send well-formed HTTP/1.1 with short headers, within 15 seconds.',
    })
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Content-Type: ${type}`,
      `Content-Length: ${body.length}`,
      'Connection: close',
    ]
    return [status, `${head.join('\r\n')}\r\n\r\n${body}`]
  }),
)

/** Connections with an open event stream: a second answer must not be written into it. */
const streaming = new WeakSet<Duplex>()
export const markStreaming = (socket: Duplex | null): void => void (socket && streaming.add(socket))

/** Answers the event `clientError`. A client that only closes the connection is not counted. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex, dropped: CountDrop): void {
  if (error.code !== 'ECONNRESET') dropped(error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'slow' : 'malformed')
  if (error.code === 'ECONNRESET' || !socket.writable || streaming.has(socket)) return void socket.destroy()
  // `end` alone waits for ever where a client never reads (seen).
  socket.end(answers.get(statuses[error.code ?? ''] ?? 400) ?? '', () => socket.destroy())
}
