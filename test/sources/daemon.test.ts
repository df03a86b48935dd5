import {getEventListeners, once} from 'node:events'
import {createServer, type Server, type ServerResponse} from 'node:http'
import {type AddressInfo, createServer as createNetServer, type Server as NetServer} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, test, vi} from 'vitest'
import type {Publication} from '../../src/core/snapshot.ts'
import {toWire} from '../../src/protocol/snapshot-json.ts'
import {ClockOffset} from '../../src/sources/daemon/clock-offset.ts'
import {daemonSource} from '../../src/sources/daemon/daemon-source.ts'
import {getUnix} from '../../src/sources/daemon/get-unix.ts'
import {httpRequest} from '../../src/sources/daemon/http-request.ts'
import {folder, started} from '../api/started.ts'
import {change, realClock} from '../support/fake-source.ts'
import {noon, primary, snapshot, standby} from '../support/snapshots.ts'

const one = {hosts: {host1: primary(), host2: standby()}, maxAgeMs: 1_500}
const other = {hosts: {host1: standby('host2'), host2: primary()}, maxAgeMs: 1_500}
const deps = () => ({clock: realClock(), random: Math.random})

test('daemon source: one snapshot at once, changes as they happen, samples every second', async () => {
  await using api = await started(one)
  await using source = await daemonSource({at: {url: api.url}, ...deps()})
  expect(source.current().groups.all?.verdict.routedTo).toBe('host1')
  const published: Publication[] = []
  source.subscribe((publication) => published.push(publication))
  api.source.publish(other, change('host2', 'standby', 'primary'))
  await vi.waitFor(() => expect(published.some(({changes}) => changes.length > 0)).toBe(true), {timeout: 30_000})
  expect(published[0]?.changes).toEqual([change('host2', 'standby', 'primary')])
  expect(source.current().groups.all?.verdict.routedTo).toBe('host2')
  api.source.set({...other, hosts: {...other.hosts, host1: standby('host2', {lagBytes: 77})}})
  await vi.waitFor(() => expect(source.current().hosts.host1).toMatchObject({lagBytes: 77}), {timeout: 30_000})
})

test('daemon source: over a unix socket', async () => {
  using dir = folder()
  await using api = await started(one, {socket: dir.at('s.sock')})
  await using source = await daemonSource({at: {socket: dir.at('s.sock')}, ...deps()})
  expect(source.current().sequence).toBe(417)
  await api.api[Symbol.asyncDispose]()
})

test('past changes: a daemon sends them, an older daemon has none', async () => {
  const past = [{at: noon.wall, epoch: '9f2c41', sequence: 3, change: change('host1', 'standby', 'primary')}]
  await using api = await started(one, {}, {pastChanges: () => past})
  await using source = await daemonSource({at: {url: api.url}, ...deps()})
  expect(await source.past?.()).toEqual(past)
  await using older = await scripted()
  await using silent = await daemonSource({at: {url: older.url}, ...deps()})
  expect(await silent.past?.().catch(() => [])).toEqual([])
})

test('a silent daemon: every host turns stale for each subscriber, and no old snapshot is shown again', async () => {
  await using daemon = await scripted()
  await using source = await daemonSource({at: {url: daemon.url}, ...deps()})
  const published: Publication[] = []
  source.subscribe((publication) => published.push(publication))
  expect(source.current().hosts.host1?.role).toBe('primary')
  await vi.waitFor(() => expect(published).toHaveLength(1), {timeout: 30_000})
  const stale = source.current()
  expect(stale.hosts.host1).toMatchObject({role: 'unavailable', cause: 'stale'})
  expect(stale.hosts.host1).not.toHaveProperty('timeline')
  expect(stale.groups.all?.verdict).toMatchObject({kind: 'unconfirmed', routedTo: null, primaries: []})
  expect(published[0]?.changes.map(({kind, host, to}) => [kind, host, to])).toEqual([
    ['role', 'host1', 'unavailable'],
    ['role', 'host2', 'unavailable'],
    ['verdict', null, 'unconfirmed'],
  ])
  // It asks again, on a new connection, and says what it saw last.
  await vi.waitFor(() => expect(daemon.asked.length).toBeGreaterThan(1), {timeout: 30_000})
  expect(daemon.asked[1]).toBe('9f2c41-417')
})

test('a daemon that comes back: the missed changes come with the first snapshot', async () => {
  await using api = await started(one)
  let isOpen = true
  await using through = await relay(Number(new URL(api.url).port), () => isOpen)
  await using source = await daemonSource({at: {url: through.url}, ...deps()})
  const published: Publication[] = []
  source.subscribe((publication) => published.push(publication))
  isOpen = false
  through.cut()
  await vi.waitFor(() => expect(source.current().hosts.host1).toMatchObject({cause: 'stale'}), {timeout: 30_000})
  api.source.publish(other, change('host2', 'standby', 'primary'))
  isOpen = true
  await vi.waitFor(() => expect(source.current().groups.all?.verdict.routedTo).toBe('host2'), {timeout: 30_000})
  const back = published.at(-1)?.changes ?? []
  expect(back[0]).toEqual(change('host2', 'standby', 'primary'))
  expect(back.map(({kind, from, to}) => `${kind} ${from} ${to}`)).toContain('verdict unconfirmed primary')
})

test('a daemon that ends every connection: no reconnect leaves a listener behind', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, {'content-type': 'text/event-stream'})
    const wall = Date.now()
    response.end(`event: snapshot\ndata: ${JSON.stringify(toWire(snapshot(one), {now: noon.now, wall}))}\n\n`)
  })
  let connections = 0
  server.on('request', () => (connections += 1))
  const signals = new Set<EventTarget>()
  const {addEventListener} = EventTarget.prototype
  vi.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(function (this: EventTarget, ...args) {
    if (this instanceof AbortSignal) signals.add(this)
    addEventListener.apply(this, args)
  })
  {
    await using _source = await daemonSource({at: {url: await urlOf(server)}, clock: realClock(), random: () => 0})
    await vi.waitFor(() => expect(connections).toBeGreaterThan(12), {timeout: 60_000})
    expect(Math.max(...[...signals].map((signal) => getEventListeners(signal, 'abort').length))).toBeLessThan(4)
  }
  vi.restoreAllMocks()
  server.closeAllConnections()
  server.close()
})

test('events that waited in a socket are not fresh: the hosts turn stale', async () => {
  await using daemon = await scripted()
  await using source = await daemonSource({at: {url: daemon.url}, ...deps()})
  // A sample every 100 ms, all of them made long ago: what arrives is no sign of life.
  const talk = setInterval(
    () => daemon.say('sample', toWire(snapshot(one), {now: noon.now, wall: daemon.wall + 10})),
    100,
  )
  await vi.waitFor(() => expect(source.current().hosts.host1).toMatchObject({cause: 'stale'}), {timeout: 30_000})
  clearInterval(talk)
})

test('clock offset: an event is dated from the request for the first snapshot', () => {
  const offset = new ClockOffset(1_000)
  expect(offset.madeAt(50_000, 1_040)).toBe(1_000)
  expect(offset.madeAt(51_000, 2_010)).toBe(2_000)
  expect(offset.madeAt(52_000, 9_000)).toBe(3_000)
  expect(offset.madeAt(99_000, 9_100)).toBe(9_100)
  expect(() => offset.madeAt(Number.NaN, 1)).toThrow(SyntaxError)
})

test('no daemon, or another server: the error says which', async () => {
  await expect(daemonSource({at: {url: 'http://127.0.0.1:1'}, ...deps()})).rejects.toMatchObject({
    code: 'DAEMON',
    message: expect.stringMatching(/ECONNREFUSED/),
  })
  await expect(daemonSource({at: {socket: '/nowhere/s.sock'}, ...deps()})).rejects.toMatchObject({
    message: expect.stringMatching(/ENOENT/),
  })
  for (const answer of ['hello', JSON.stringify({schema: 2})]) {
    const server = createServer((_, response) => response.end(answer))
    await expect(daemonSource({at: {url: await urlOf(server)}, ...deps()})).rejects.toMatchObject({
      message: expect.stringMatching(/where a daemon of pgroute66/),
    })
    server.close()
  }
  const mute = createNetServer(() => {})
  await expect(daemonSource({at: {url: await urlOf(mute)}, ...deps(), timeoutMs: 300})).rejects.toMatchObject({
    message: expect.stringMatching(/within 300 ms/),
  })
  mute.close()
})

test('one request without node:http: over a unix socket', async () => {
  using dir = folder()
  await using api = await started(one, {socket: dir.at('s.sock')})
  expect(await getUnix(dir.at('s.sock'), '/v1/primary', 60_000)).toEqual({status: 200, body: '["host1"]'})
  expect(await getUnix(dir.at('s.sock'), '/v1/check?server=host2', 60_000)).toMatchObject({
    status: 503,
    body: expect.stringMatching(/"exit":1/),
  })
  expect(await getUnix(dir.at('none.sock'), '/v1/primary', 60_000)).toBe('absent')
  await api.api[Symbol.asyncDispose]()
})

test('one request with node:http: over a unix socket and over TCP', async () => {
  using dir = folder()
  await using api = await started(one, {socket: dir.at('s.sock')})
  const asked = {path: '/v1/primary', signal: AbortSignal.timeout(60_000)}
  const {hostname: host, port} = new URL(api.url)
  expect(await httpRequest({socketPath: dir.at('s.sock')}, asked)).toEqual({status: 200, body: '["host1"]'})
  expect(await httpRequest({host, port: Number(port), tls: null}, asked)).toEqual({status: 200, body: '["host1"]'})
  await expect(httpRequest({host, port: 1, tls: null}, asked)).rejects.toMatchObject({code: 'ECONNREFUSED'})
  await api.api[Symbol.asyncDispose]()
})

test('a request whose signal aborts, before and during the answer: rejected', async () => {
  const mute = createServer(() => {})
  const halfway = createServer((_, response) => void response.write('half of it'))
  for (const server of [mute, halfway]) {
    const {hostname: host, port} = new URL(await urlOf(server))
    const signal = AbortSignal.timeout(200)
    await expect(httpRequest({host, port: Number(port), tls: null}, {path: '/', signal})).rejects.toThrow(/abort/)
    server.closeAllConnections()
    server.close()
  }
})

test('an answer in pieces, larger than any buffer, arrives whole', async () => {
  using dir = folder()
  const body = 'é'.repeat(100_000)
  const whole = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const path = dir.at('s.sock')
  const server = createNetServer(async (socket) => {
    for (const [from, to] of [[0, 11], [11, 40], [40, 50_001], [50_001]]) {
      socket.write(whole.subarray(from, to))
      await sleep(10)
    }
  }).listen(path)
  expect(await getUnix(path, '/', 10_000)).toEqual({status: 200, body})
  server.close()
})

test('an answer that is cut off, late or not HTTP is no answer', async () => {
  using dir = folder()
  const replies = [
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[]',
    'SSH-2.0-x\r\n\r\n',
    '',
    'HTTP/1.1 200 OK\r\n\r\n[]',
  ]
  for (const [index, reply] of replies.entries()) {
    const path = dir.at(`${index}.sock`)
    const server = createNetServer((socket) => void socket.on('error', () => {}).end(reply)).listen(path)
    expect(await getUnix(path, '/', 2_000), reply).toBe('absent')
    server.close()
  }
  const path = dir.at('mute.sock')
  const server = createNetServer((socket) => void socket.on('error', () => {})).listen(path)
  expect(await getUnix(path, '/', 100)).toBe('silent')
  server.close()
})

async function urlOf(server: NetServer): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A daemon that sends one snapshot per connection, and then what it is told to. */
async function scripted() {
  const asked: (string | undefined)[] = []
  const open = new Set<ServerResponse>()
  const wall = Date.now()
  const server: Server = createServer((request, response) => {
    asked.push(request.headers['last-event-id'] as string | undefined)
    if (asked.length > 1) return
    open.add(response)
    response.writeHead(200, {'content-type': 'text/event-stream'})
    response.write(
      `id: 9f2c41-417\nevent: snapshot\ndata: ${JSON.stringify(toWire(snapshot(one), {now: noon.now, wall}))}\n\n`,
    )
  })
  return {
    url: await urlOf(server),
    asked,
    wall,
    say(event: string, data: object) {
      for (const response of open) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A way between that can be shut. */
async function relay(port: number, isOpen: () => boolean) {
  const {connect} = await import('node:net')
  const pairs = new Set<() => void>()
  const server = createNetServer((near) => {
    if (!isOpen()) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    const end = () => {
      near.destroy()
      far.destroy()
    }
    pairs.add(end)
    near.on('error', end).on('close', end).pipe(far)
    far.on('error', end).on('close', end).pipe(near)
  })
  return {
    url: await urlOf(server),
    cut() {
      for (const end of pairs) end()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const end of pairs) end()
    },
  }
}
