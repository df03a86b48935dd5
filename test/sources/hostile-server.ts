import {createServer, type Socket} from 'node:net'
import {afterAll} from 'vitest'
import type {ConnectionSettings} from '../../src/core/settings.ts'
import {type Hostile, secret} from './hostile-messages.ts'
import {driverFor, within} from './pg-server.ts'

export * from './hostile-messages.ts'

const servers: {close: () => void}[] = []
afterAll(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Runs one login, and says how it ended and what the server has received. */
export async function login(hostile: Hostile, change: Partial<ConnectionSettings> = {}) {
  const received: Buffer[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    let nth = 0
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      hostile(socket, chunk, nth++)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as {port: number}
  const to = {port, user: 'app', password: {from: 'config', text: secret}, ...change} as const
  const driver = driverFor(to, {connectTimeoutMs: 1_000, timeoutMs: 1_000})
  const session = await driver.open(within())
  for (const socket of sockets) socket.destroy()
  server.close()
  return {session, sent: Buffer.concat(received).toString('latin1')}
}
