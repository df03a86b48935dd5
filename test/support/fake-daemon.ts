import {mkdtemp} from 'node:fs/promises'
import {createServer, type Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

export type FakeDaemon = Readonly<{socket: string; asked: readonly string[]}> & AsyncDisposable

/**
 * Something on a unix socket that answers every question with `answer`: a body (with the HTTP status
 * of its field `status`, else 503), a raw text, or nothing at all (`null`).
 */
export async function fakeDaemon(
  answer: object | string | null | ((target: string) => object | string | null),
  socket?: string,
): Promise<FakeDaemon> {
  const asked: string[] = []
  const server: Server = createServer((connection) => {
    connection.on('error', () => {})
    connection.once('data', (chunk) => {
      const target = chunk.toString().split(' ')[1] ?? ''
      asked.push(target)
      const said = typeof answer === 'function' ? answer(target) : answer
      if (said === null) return
      const body = JSON.stringify(said)
      const status = 'status' in Object(said) ? (said as {status: number}).status : 503
      const head =
        `HTTP/1.1 ${status} Said\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n`
      connection.end(typeof said === 'string' ? said : head + body)
    })
  })
  const path = socket ?? join(await mkdtemp(join(tmpdir(), 'pgroute66-fake-')), 'pgroute66.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {socket: path, asked, [Symbol.asyncDispose]: async () => void server.close()}
}
