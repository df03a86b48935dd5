import {once} from 'node:events'
import {type AddressInfo, createServer, type Server, type Socket} from 'node:net'
import {createServer as createTlsServer, type TlsOptions} from 'node:tls'

/** What the server was asked: the head and the body, as they came. */
export type RawRequest = Readonly<{method: string; path: string; head: string; body: string}>
/** Bytes to send before the end; `hang`: never an answer; `close`: the end at once. */
export type RawReply = string | Buffer | 'hang' | 'close' | ((socket: Socket) => void)
export type RawServer = AsyncDisposable &
  Readonly<{url: string; requests: readonly RawRequest[]; connections(): number}>

/** A server that answers with exactly these bytes: what no HTTP library would send. */
export async function rawServer(reply: (request: RawRequest) => RawReply, tls?: TlsOptions): Promise<RawServer> {
  const requests: RawRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const onSocket = (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const request = requestIn(received)
      if (request === null) return
      received = ''
      requests.push(request)
      const answer = reply(request)
      if (typeof answer === 'function') answer(socket)
      else if (answer === 'close') socket.destroy()
      else if (answer !== 'hang') socket.end(answer)
    })
  }
  const server: Server = tls ? createTlsServer(tls, onSocket).on('tlsClientError', () => {}) : createServer(onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function requestIn(received: string): RawRequest | null {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = received.slice(0, end)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const body = received.slice(end + 4)
  if (body.length < length) return null
  const [method = '', path = ''] = head.split(' ')
  return {method, path, head, body}
}

/** As Patroni: HTTP/1.0, no length, the end by closing. */
export const json = (value: unknown, line = '200 OK', date = 'Sat, 28 Nov 2026 22:07:34 GMT') =>
  `HTTP/1.0 ${line}\r\nServer: BaseHTTP/0.6 Python/3.11.2\r\nDate: ${date}\r\n` +
  `Content-Type: application/json\r\n\r\n${typeof value === 'string' ? value : JSON.stringify(value)}`
export const sentence = (text: string, line = '200 OK') =>
  `HTTP/1.0 ${line}\r\nServer: BaseHTTP/0.6 Python/3.11.2\r\nContent-Type: text/html\r\n\r\n${text}`
