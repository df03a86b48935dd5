import {connect} from 'node:net'

export type Reply = Readonly<{status: number; body: string}>

/**
 * One GET over a unix socket. `absent`: nobody is there, or what is there does not speak HTTP;
 * `silent`: no whole answer within `limitMs`; never rejects. Nothing but node:net may be imported
 * here: node:http alone costs a check more than the question does. So do the stream's own reading,
 * which `onread` goes round, and an AbortSignal.
 */
export function getUnix(
  socketPath: string,
  pathAndQuery: string,
  limitMs: number,
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
    const timer = setTimeout(() => end('silent'), limitMs)
    const end = (reply: Reply | 'absent' | 'silent') => {
      clearTimeout(timer)
      resolve(reply)
      // A check is printed before this, and its process gone.
      setImmediate(() => socket.destroy())
    }
    const lost = () => end('absent')
    socket.on('error', lost)
    socket.on('close', lost)
    // A target with a line end in it would be two requests.
    socket.write(
      `GET ${pathAndQuery.replace(/[\r\n ]/g, '')} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n`,
    )
  })
}

/** The daemon gives the length of every answer. `null`: that is not the whole of one. */
function replyOf(response: Buffer): Reply | null {
  const end = response.indexOf('\r\n\r\n')
  const head = response.subarray(0, Math.max(0, end)).toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  const length = /^content-length: *(\d+)\r?$/im.exec(head)?.[1]
  const body = response.subarray(end + 4)
  if (end < 0 || status === undefined || length === undefined || body.length !== Number(length)) return null
  return {status: Number(status), body: body.toString('utf8')}
}
