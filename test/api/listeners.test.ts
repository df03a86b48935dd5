import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, statSync, writeFileSync} from 'node:fs'
import {connect, createServer} from 'node:net'
import {expect, test, vi} from 'vitest'
import {inheritedListeners} from '../../src/api/listen/socket-activation.ts'
import {groupId} from '../../src/system/unix-socket.ts'
import {primary, standby} from '../support/snapshots.ts'
import {selfSigned, tlsOf} from './certificates.ts'
import {heldClock} from './held-clock.ts'
import {ask, folder, plainConfig, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('unix sockets: one for the group, one for the owner; a stop removes both', async () => {
  using dir = folder()
  const [socket, control] = [dir.at('s.sock'), dir.at('deep/down/c.sock')]
  const api = await started(draft, {socket, controlSocket: control, socketGroup: String(process.getgid?.())})
  expect([modeOf(socket), modeOf(control)]).toEqual(['660', '600'])
  expect(api.api.addresses).toEqual([api.url, socket, control])
  expect((await ask(socket, '/v1/primary')).body).toBe('["host1"]')
  await api[Symbol.asyncDispose]()
  expect([existsSync(socket), existsSync(control)]).toEqual([false, false])
})

test('a leftover socket is replaced; the socket of a running daemon or another file is not', async () => {
  using dir = folder()
  const path = dir.at('s.sock')
  // A process that was killed leaves its socket behind.
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
  ])
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(existsSync(path)).toBe(true)
  await using _first = await started(draft, {socket: path})
  await expect(started(draft, {socket: path})).rejects.toMatchObject({
    code: 'SOCKET_IN_USE',
    message: `another process listens on ${path}`,
  })
  expect((await ask(path, '/v1/primary')).status).toBe(200)
  writeFileSync(dir.at('file'), 'precious')
  await expect(started(draft, {socket: dir.at('file')})).rejects.toMatchObject({code: 'SOCKET_PATH'})
  expect(existsSync(dir.at('file'))).toBe(true)
  await expect(started(draft, {socketGroup: 'no-such-group', socket: dir.at('t.sock')})).rejects.toMatchObject({
    code: 'SOCKET_GROUP',
  })
  expect(await groupId('root')).toBe(0)
})

test('a port in use: the error says so, and no listener stays open', async () => {
  using dir = folder()
  await using first = await started(draft)
  const port = Number(new URL(first.url).port)
  await expect(started(draft, {port, socket: dir.at('s.sock')})).rejects.toMatchObject({
    code: 'LISTEN',
    message: `cannot listen on 127.0.0.1:${port}: another process listens there`,
  })
  expect(existsSync(dir.at('s.sock'))).toBe(false)
})

test('reload: unchanged endpoints keep their connections; a port in use changes nothing', async () => {
  using dir = folder()
  await using api = await started(draft, {socket: dir.at('s.sock')})
  const config = {...plainConfig, socket: dir.at('s.sock')}
  await api.api.reload({...config, v1Format: 'released'})
  expect((await api.ask('/v1/primary')).body).toBe('"host1"')
  const kept = connect(dir.at('s.sock'))
  await once(kept, 'connect')
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  const {port} = busy.address() as {port: number}
  await expect(api.api.reload({...config, port})).rejects.toMatchObject({code: 'LISTEN'})
  expect((await api.ask('/v1/primary')).body).toBe('"host1"')
  busy.close()
  await once(busy, 'close')
  await api.api.reload({...config, port, controlSocket: dir.at('c.sock')})
  expect(api.api.addresses).toEqual([dir.at('s.sock'), `http://127.0.0.1:${port}`, dir.at('c.sock')])
  expect((await ask(`http://127.0.0.1:${port}`, '/v1/primary')).body).toBe('["host1"]')
  await expect(api.ask('/v1/primary')).rejects.toThrow()
  kept.write('GET /v1/primary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(String((await once(kept, 'data'))[0])).toContain('200 OK')

  // The same port, now with TLS: closed and opened again.
  await api.api.reload({...config, port, ssl: tlsOf(selfSigned(dir.path, 'server'))})
  expect((await ask(`https://127.0.0.1:${port}`, '/v1/primary', {rejectUnauthorized: false})).status).toBe(200)
  expect(existsSync(dir.at('c.sock'))).toBe(false)
})

test('stop: /readyz answers 503 first, requests are still answered, then the port is closed', async () => {
  const clock = heldClock(5_000)
  const api = await started(draft, {}, {announceMs: 5_000, clock})
  const kept = connect(Number(new URL(api.url).port), '127.0.0.1')
  await once(kept, 'connect')
  const stopped = api[Symbol.asyncDispose]()
  const ready = await api.ask('/readyz')
  expect(ready).toMatchObject({status: 503, body: '{"ready":false,"state":"stopping"}', headers: {connection: 'close'}})
  expect(await api.ask('/v1/primary')).toMatchObject({status: 200, body: '["host1"]'})
  clock.fire(5_000)
  await stopped
  await expect(api.ask('/livez')).rejects.toThrow()
  kept.destroy()
  await api[Symbol.asyncDispose]()
})

test('stop: a client with half a request is cut after graceMs', async () => {
  const clock = heldClock()
  const api = await started(draft, {}, {clock})
  const half = connect(Number(new URL(api.url).port), '127.0.0.1')
  half.on('error', () => {})
  half.write('GET /v1/primary HTTP/1.1\r\nHost:')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await api.ask('/livez')).status).toBe(200)
  const stopped = api[Symbol.asyncDispose]()
  // This is graceMs. Without the cut the connection would last until idleMs (70 s).
  clock.fire(2_000)
  await vi.waitFor(() => expect(half.closed).toBe(true), {timeout: 30_000})
  await stopped
})

test('sockets from systemd: by name, else in order, and only with the own LISTEN_PID', () => {
  const kinds = (env: NodeJS.ProcessEnv) => [...inheritedListeners({LISTEN_PID: '7', ...env}, 7)]
  expect(kinds({LISTEN_FDS: '3'})).toEqual([
    ['http', 3],
    ['socket', 4],
    ['control', 5],
  ])
  expect(kinds({LISTEN_FDS: '2', LISTEN_FDNAMES: 'control:http'})).toEqual([
    ['control', 3],
    ['http', 4],
  ])
  expect(kinds({LISTEN_FDS: '2', LISTEN_FDNAMES: 'primgr:patroni'})).toEqual([
    ['primgr', 3],
    ['patroni', 4],
  ])
  expect(kinds({LISTEN_FDS: '2', LISTEN_FDNAMES: 'other:socket'})).toEqual([['socket', 4]])
  expect(kinds({LISTEN_FDS: '1', LISTEN_FDNAMES: 'unknown'})).toEqual([['http', 3]])
  expect(kinds({LISTEN_FDS: '1', LISTEN_PID: '8'})).toEqual([])
  expect(kinds({LISTEN_FDS: 'x'})).toEqual([])
  expect(inheritedListeners({}, 7).size).toBe(0)
})

test('a socket from systemd outlives the process: no connection is refused in between', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const {port} = listener.address() as {port: number}
  const {fd} = (listener as unknown as {_handle: {fd: number}})._handle
  // This test is the service manager: it holds the socket and accepts nothing. Both children inherit
  // the socket and start on a line of input.
  const script = `
    import {once} from 'node:events'
    import {started} from ${JSON.stringify(new URL('./started.ts', import.meta.url).href)}
    import {primary} from ${JSON.stringify(new URL('../support/snapshots.ts', import.meta.url).href)}
    setTimeout(() => process.exit(1), 30_000).unref()
    await once(process.stdin, 'data')
    const env = {LISTEN_FDS: '1', LISTEN_PID: String(process.pid)}
    const api = await started({hosts: {host1: primary()}}, {port: 1}, {env})
    console.log(api.api.addresses[0])
    await once(process.stdin, 'end')
    await api[Symbol.asyncDispose]()`
  const [first, second] = [1, 2].map(() => {
    const args = ['--input-type=module-typescript', '-e', script]
    return spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit', fd],
    }) as unknown as ChildProcessWithoutNullStreams
  }) as [ChildProcessWithoutNullStreams, ChildProcessWithoutNullStreams]
  try {
    listener.close()
    await once(listener, 'close')
    first.stdin.write('go')
    const url = String((await once(first.stdout, 'data'))[0]).trim()
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect((await ask(url, '/v1/primary')).body).toBe('["host1"]')
    first.stdin.end()
    await once(first, 'exit')
    const waiting = ask(url, '/v1/primary')
    second.stdin.write('go')
    expect((await waiting).body).toBe('["host1"]')
    second.stdin.end()
    await once(second, 'exit')
  } finally {
    first.kill('SIGKILL')
    second.kill('SIGKILL')
  }
})
