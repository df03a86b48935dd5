import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'

/** A way to a server that can be cut as a network cuts it: bytes vanish, and no end is told of it. */
export interface Relay extends Disposable {
  readonly port: number
  cut(): void
  /** Connections that lost bytes end. */
  heal(): void
}

export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    const other = connect({host: '127.0.0.1', port: target})
    for (const [from, to] of [
      [client, other],
      [other, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('data', (bytes) => isCut || to.write(bytes))
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true
    },
    heal() {
      isCut = false
      end()
    },
    [Symbol.dispose]() {
      end()
      server.close()
    },
  }
}
