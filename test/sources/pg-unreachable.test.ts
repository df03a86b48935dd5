import {createServer, type Server as NetServer, type Socket} from 'node:net'
import {join} from 'node:path'
import {afterEach, describe, expect, test} from 'vitest'
import {directory, driverFor, freePort, within} from './pg-server.ts'

const listening: NetServer[] = []
const sockets: Socket[] = []
/** A server that accepts and says what `answer` makes it say. */
async function listen(answer: (socket: Socket) => void = () => undefined, path?: string): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    answer(socket)
  })
  listening.push(server)
  await new Promise<void>((resolve) => (path ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve)))
  return path ? 0 : (server.address() as {port: number}).port
}
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of listening.splice(0)) server.close()
})

describe('no server', () => {
  test('nothing listens: refused, for a session, a knock and a heartbeat', async () => {
    const driver = driverFor({port: await freePort()})
    expect(await driver.open(within())).toMatchObject({cause: 'refused'})
    expect(await driver.knock(within())).toMatchObject({kind: 'failure', cause: 'refused'})
    expect(await driver.heartbeat({primary: true}, within())).toMatchObject({kind: 'failure', cause: 'refused'})
  })
  test('a name with several addresses, and all of them refuse: refused', async () => {
    expect(await driverFor({host: 'localhost', port: await freePort()}).open(within())).toMatchObject({
      cause: 'refused',
    })
  })
  test('no socket file: refused', async () => {
    expect(await driverFor({host: directory()}).open(within())).toMatchObject({
      cause: 'refused',
      detail: expect.stringContaining('.s.PGSQL.5432'),
    })
  })
  test('a name that does not resolve: dns', async () => {
    expect(await driverFor({host: 'no-such-host.invalid'}).open(within())).toMatchObject({
      cause: 'dns',
      detail: expect.stringContaining('hostaddr'),
    })
  })
  test('hostaddr is set: the name is never looked up', async () => {
    expect(
      await driverFor({host: 'no-such-host.invalid', hostaddr: '127.0.0.1', port: await freePort()}).open(within()),
    ).toMatchObject({
      cause: 'refused',
    })
  })
})

describe('a server that is silent', () => {
  for (const sslmode of ['disable', 'prefer', 'require'] as const)
    test(`accepts and never answers, sslmode ${sslmode}: timeout once the signal aborts`, async () => {
      const driver = driverFor({port: await listen(), sslmode})
      const begun = performance.now()
      expect(await driver.open(within(200))).toMatchObject({cause: 'timeout'})
      expect(await driver.knock(within(200))).toMatchObject({cause: 'timeout'})
      expect(performance.now() - begun).toBeLessThan(30_000)
      expect(await driver.heartbeat({primary: true}, within(200))).toMatchObject({cause: 'hung'})
    })
  test('silent in the middle of the TLS handshake: timeout', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.write('S')))
    expect(await driverFor({port, sslmode: 'require'}).open(within(200))).toMatchObject({cause: 'timeout'})
  })
  test('a signal that has aborted already: timeout', async () => {
    const driver = driverFor({port: await listen()})
    expect(await driver.open(AbortSignal.abort())).toMatchObject({cause: 'timeout'})
    expect(await driver.knock(AbortSignal.abort())).toMatchObject({kind: 'failure'})
  })
  test('a hung host does not delay another host', async () => {
    const giveUp = new AbortController()
    const hung = driverFor({port: await listen()}).open(giveUp.signal)
    const refused = driverFor({port: await freePort()}).open(within())
    expect(await Promise.race([refused, hung])).toMatchObject({cause: 'refused'})
    giveUp.abort()
    expect(await hung).toMatchObject({cause: 'timeout'})
  })
})

describe('a server that is not PostgreSQL', () => {
  test('a web server: error, and the detail says what answers there', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    expect(await driverFor({port}).knock(within())).toMatchObject({
      cause: 'error',
      detail: expect.stringContaining('does not speak'),
    })
    expect(await driverFor({port, sslmode: 'require'}).open(within())).toMatchObject({
      cause: 'error',
      detail: expect.stringContaining('does not speak'),
    })
    expect(await driverFor({port}).open(within(500))).toMatchObject({cause: expect.any(String)})
  })
  test('bytes after the S of the server are refused (CVE-2021-23222)', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.write('SR\0\0\0\x08\0\0\0\0')))
    expect(await driverFor({port, sslmode: 'require'}).open(within())).toMatchObject({cause: 'error'})
  })
  test('closes the connection at once: closed', async () => {
    const port = await listen((socket) => socket.end())
    expect(await driverFor({port}).open(within())).toMatchObject({cause: 'closed'})
    expect(await driverFor({port}).knock(within())).toMatchObject({cause: 'closed'})
    expect(await driverFor({port, sslmode: 'require'}).open(within())).toMatchObject({cause: 'closed'})
  })
  test('a unix socket: the driver asks for no TLS', async () => {
    const dir = directory()
    let first: Buffer | null = null
    await listen(
      (socket) =>
        socket.once('data', (bytes) => {
          first = Buffer.from(bytes)
          socket.end()
        }),
      join(dir, '.s.PGSQL.5432'),
    )
    await driverFor({host: dir, sslmode: 'verify-full'}).open(within())
    expect((first as Buffer | null)?.readInt32BE(4)).toBe(196608)
  })
})
