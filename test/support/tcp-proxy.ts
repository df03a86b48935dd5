import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Where the next connections go: one port each, in turn from the first. */
  leadTo(...targets: readonly number[]): void
  /** Ends every connection but those with these numbers, counted from 0 at the start. */
  cut(...kept: readonly number[]): void
}

/** A service address on 127.0.0.1: each new connection goes to the next of `targets`. */
export async function startTcpProxy(...targets: readonly number[]): Promise<TcpProxy> {
  const sockets = new Map<Socket, number>()
  let [ports, turn, accepted] = [targets, 0, 0]
  const server = createServer((client) => {
    const target = connect({host: '127.0.0.1', port: ports[turn % ports.length] ?? 0})
    const number = accepted
    turn += 1
    accepted += 1
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.set(from, number)
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    leadTo(...next) {
      ports = next
      turn = 0
    },
    cut(...kept) {
      for (const [socket, number] of sockets) if (!kept.includes(number)) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      proxy.cut()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
