import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'

const sync = Buffer.from([0x53, 0, 0, 0, 4])

/** What stands between the driver and a server does with a bare Sync. */
export type SyncMood = 'passes' | 'swallows' | 'closes' | Readonly<{delayMs: number}>

export interface SyncProxy extends AsyncDisposable {
  readonly port: number
  mood: SyncMood
}

/** Passes everything on but a Sync that stands alone: probes end with a Sync of their own. */
export async function startSyncProxy(target: number, mood: SyncMood): Promise<SyncProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({host: '127.0.0.1', port: target})
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    upstream.pipe(client)
    client.on('data', (chunk: Buffer) => {
      const {mood} = proxy
      if (!chunk.equals(sync) || mood === 'passes') upstream.write(chunk)
      else if (mood === 'closes') client.destroy()
      else if (mood !== 'swallows') setTimeout(() => upstream.write(chunk), mood.delayMs)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: SyncProxy = {
    port: (server.address() as AddressInfo).port,
    mood,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
