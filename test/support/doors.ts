import {connect} from 'node:net'

/** The answer of the port of agent-check. */
export function agentSays(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const received: string[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(`${question}\n`))
    socket.on('data', (chunk) => received.push(chunk.toString()))
    socket.once('error', reject).once('close', () => resolve(received.join('')))
  })
}

/** What HAProxy sends with "http-check send-state". */
export const serverState = (server: string, address: string, port: number) => ({
  'x-haproxy-server-state': `UP; address=${address}; port=${port}; name=${server}`,
})

/** HAProxy's four arguments. */
export const haproxyWords = (address: string, port: number) => ['NOT_USED', 'NOT_USED', address, `${port}`]

/** A backend of one server, for `startHaproxy`. */
export const oneServer = (backend: string, server: string) => `defaults
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s
backend ${backend}
    ${server}
`
