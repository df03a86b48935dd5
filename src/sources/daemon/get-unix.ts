import {connect} from 'node:net'

export type Reply = Readonly<{status: number; body: string}>

/**
 * One GET over a unix socket. `absent`: no process listens there, or it does not speak HTTP.
 * `silent`: no whole answer within `timeoutMs`. Never rejects. Nothing but node:net may be imported
 * here: node:http alone costs a check more than the question does. An AbortSignal and the stream's
 * own reading cost as much; `onread` avoids the latter.
 */
export function getUnix(
  socketPath: string,
  pathAndQuery: string,
  timeoutMs: number,
): Promise<Reply | 'absent' | 'silent'> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0)
    const callback = (size: number, buffer: Uint8Array) => {
      received = Buffer.concat([received, buffer.subarray(0, size)])
      const reply = replyOf(received)
      if (reply) end(reply)
      return true
    }
    const socket = connect({path: socketPath, onread: {buffer: Buffer.allocUnsafe(16_384), callback}})
    // Two timers: node runs timers before it reads sockets. On a busy machine the first one fires
    // late, and the answer is read before the second.
    let timer = setTimeout(() => {
      timer = setTimeout(() => end('silent'), 1)
    }, timeoutMs)
    const end = (reply: Reply | 'absent' | 'silent') => {
      clearTimeout(timer)
      resolve(reply)
      // Later: a check has printed its answer and left before this would run.
      setImmediate(() => socket.destroy())
    }
    const lost = () => end('absent')
    socket.on('error', lost)
    socket.on('close', lost)
    // A line end in the target would make two requests of one.
    socket.write(
      [
        `GET ${pathAndQuery.replace(/[\r\n ]/g, '')} HTTP/1.1`,
        'Host: localhost',
        'Accept: application/json',
        'Connection: close',
        '\r\n',
      ].join('\r\n'),
    )
  })
}

/** The daemon sends the length of every answer. `null`: the answer is not complete. */
function replyOf(response: Buffer): Reply | null {
  const end = response.indexOf('\r\n\r\n')
  const head = response.subarray(0, Math.max(0, end)).toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  const length = /^content-length: *(\d+)\r?$/im.exec(head)?.[1]
  const body = response.subarray(end + 4)
  if (end < 0 || status === undefined || length === undefined || body.length !== Number(length)) return null
  return {status: Number(status), body: body.toString('utf8')}
}
