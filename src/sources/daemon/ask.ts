import {connect} from 'node:net'

export type Reply = Readonly<{status: number; body: string}>

/**
 * One GET over a unix socket. `null`: nobody is there, or what is there does not speak HTTP, or `signal` aborted first; never rejects.
 * Nothing but node:net may be imported here: node:http alone costs a check more than the question does.
 */
export function askUnix(socketPath: string, pathAndQuery: string, signal: AbortSignal): Promise<Reply | null> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(null)
    const socket = connect({path: socketPath})
    let received: Buffer = Buffer.alloc(0)
    const end = (reply: Reply | null) => {
      signal.removeEventListener('abort', abort)
      resolve(reply)
      // A check is printed before this, and its process gone.
      setImmediate(() => socket.destroy())
    }
    const abort = () => end(null)
    signal.addEventListener('abort', abort)
    socket.on('error', abort)
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const reply = replyOf(received)
      if (reply) end(reply)
    })
    socket.on('close', abort)
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
