import {STATUS_CODES} from 'node:http'
import type {Duplex} from 'node:stream'
import {problem} from '../answer.ts'

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/**
 * What is not HTTP gets a short answer, if anybody is there to read it, and a closed connection.
 * Prepared: it may come in thousands.
 */
const answers = new Map(
  [400, 408, 413, 431].map((status) => {
    const {body, type} = problem(status, {
      code: 'BAD_REQUEST',
      detail: status === 408 ? 'the request did not come in time' : 'this request cannot be understood',
      next: 'Send HTTP/1.1 that is well-formed, and no longer than needed.',
    })
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    return [status, head + body]
  }),
)

/**
 * Connections on which an answer is under way that has no end: a second one must not be written
 * into it.
 */
const streaming = new WeakSet<Duplex>()
export const markStreaming = (socket: Duplex | null): void => void (socket && streaming.add(socket))

/** For the event `clientError`. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || streaming.has(socket)) return void socket.destroy()
  // Seen from a client that never reads: `end` alone would wait for it.
  socket.end(answers.get(statuses[error.code ?? ''] ?? 400) ?? '', () => socket.destroy())
}
