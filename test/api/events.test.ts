import type {ServerResponse} from 'node:http'
import {connect, type Socket} from 'node:net'
import {createParser, type EventSourceMessage} from 'eventsource-parser'
import {expect, test, vi} from 'vitest'
import {EventHistory} from '../../src/api/event-history.ts'
import {EventReader} from '../../src/api/event-reader.ts'
import {change} from '../support/fake-source.ts'
import {noon, primary, type SnapshotDraft, snapshot, standby} from '../support/snapshots.ts'
import {heldClock} from './held-clock.ts'
import {started} from './started.ts'

const one: SnapshotDraft = {hosts: {host1: primary(), host2: standby()}}
const other: SnapshotDraft = {hosts: {host1: standby('host2'), host2: primary()}}
const switched = [change('host1', 'primary', 'standby'), change('host2', 'standby', 'primary')]

test('a reader gets a snapshot at once, then each change with its id and the whole snapshot', async () => {
  // The samples of each second are held: a change that waits for a sample never arrives.
  await using api = await started(one, {}, {clock: heldClock()})
  await using reader = read(api.url, '/v1/events?samples=0')
  await vi.waitFor(() => expect(reader.events).toHaveLength(1), {timeout: 30_000})
  expect(reader.head).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\ncache-control: no-store/i)
  expect(reader.events[0]).toMatchObject({id: '9f2c41-417', event: 'snapshot'})
  expect(JSON.parse(reader.events[0]?.data ?? '')).toMatchObject({schema: 1, sequence: 417})

  api.source.publish(other, ...switched)
  await vi.waitFor(() => expect(reader.events).toHaveLength(2), {timeout: 30_000})
  expect(reader.events[1]).toMatchObject({id: '9f2c41-418', event: 'change'})
  const data = JSON.parse(reader.events[1]?.data ?? '')
  expect(Object.keys(data)).toEqual(['epoch', 'sequence', 'at', 'changes', 'snapshot'])
  expect(data).toMatchObject({epoch: '9f2c41', sequence: 418, changes: switched, snapshot: {sequence: 418}})
})

test('samples come once a second, also without changes, and have no id; samples=0 sends none', async () => {
  const clock = heldClock()
  await using api = await started(one, {}, {clock})
  await using all = read(api.url, '/v1/events')
  await using changes = read(api.url, '/v1/events?samples=0')
  const kinds = ({events}: typeof all) => events.map(({event}) => event)
  await vi.waitFor(() => expect([kinds(all), kinds(changes)]).toEqual([['snapshot'], ['snapshot']]), {timeout: 30_000})
  for (let index = 0; index < 7; index += 1) api.source.publish(one)
  clock.fire(1_000)
  clock.fire(1_000)
  // The last event ends the wait: neither reader gets another event before.
  api.source.publish(other, ...switched)
  await vi.waitFor(() => expect([kinds(all).at(-1), kinds(changes).at(-1)]).toEqual(['change', 'change']), {
    timeout: 30_000,
  })
  expect(kinds(all)).toEqual(['snapshot', 'sample', 'sample', 'change'])
  expect(all.events[1]?.id).toBeUndefined()
  expect(kinds(changes)).toEqual(['snapshot', 'change'])
})

test('Last-Event-ID: missed changes come first, in order; an unknown id gets a snapshot', async () => {
  await using api = await started(one)
  api.source.publish(other, switched[0] as (typeof switched)[0])
  await new Promise((resolve) => setTimeout(resolve, 30))
  api.source.publish(one, switched[1] as (typeof switched)[0])
  await new Promise((resolve) => setTimeout(resolve, 30))
  const first = async (id: string, count: number) => {
    await using reader = read(api.url, '/v1/events?samples=0', {'last-event-id': id})
    await vi.waitFor(() => expect(reader.events.length).toBeGreaterThanOrEqual(count), {timeout: 30_000})
    return reader.events.map(({event, id: own}) => `${event} ${own}`)
  }
  expect(await first('9f2c41-417', 2)).toEqual(['change 9f2c41-418', 'change 9f2c41-419'])
  expect(await first('9f2c41-418', 1)).toEqual(['change 9f2c41-419'])
  for (const unknown of ['ffffff-417', '9f2c41-416', '9f2c41-999', 'garbage', '9f2c41-', '-1', '9f2c41-1e2'])
    expect(await first(unknown, 1), unknown).toEqual(['snapshot 9f2c41-419'])
  // One who missed nothing, and wants samples, sees at once how things are.
  await using current = read(api.url, '/v1/events', {'last-event-id': '9f2c41-419'})
  await vi.waitFor(() => expect(current.events.map(({event}) => event)).toEqual(['sample']), {timeout: 30_000})
})

test('a change while a reader connects is sent once', async () => {
  await using api = await started(one)
  api.source.publish(other, ...switched)
  await using reader = read(api.url, '/v1/events?samples=0')
  await vi.waitFor(() => expect(reader.events.length).toBeGreaterThan(0), {timeout: 30_000})
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(reader.events.map(({event, id}) => `${event} ${id}`)).toEqual(['snapshot 9f2c41-418'])
})

test('a storm of changes is sent in fewer events, and no change is lost', async () => {
  const hosts = Object.fromEntries(Array.from({length: 300}, (_, index) => [`host${index}`, standby()]))
  await using api = await started({hosts})
  await using reader = read(api.url, '/v1/events?samples=0')
  await vi.waitFor(() => expect(reader.events).toHaveLength(1), {timeout: 30_000})
  for (let index = 0; index < 1_000; index += 1) {
    api.source.publish({hosts}, change(`${index}`, 'primary', 'standby'))
    if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const told = () =>
    reader.events.slice(1).flatMap(({data}) => JSON.parse(data).changes.map(({host}: {host: string}) => host))
  await vi.waitFor(() => expect(told()).toHaveLength(1_000), {timeout: 30_000, interval: 500})
  expect(new Set(told()).size).toBe(1_000)
  expect(reader.events.length).toBeLessThan(500)
})

test('a reader that does not read is disconnected; the other reader gets every change', async () => {
  const hosts = Object.fromEntries(Array.from({length: 500}, (_, index) => [`host${index}`, standby()]))
  await using api = await started({hosts})
  await using good = read(api.url, '/v1/events?samples=0')
  const slow = connect(Number(new URL(api.url).port), '127.0.0.1')
  slow.on('error', () => {})
  slow.write('GET /v1/events?samples=0 HTTP/1.1\r\nHost: x\r\n\r\n')
  slow.pause()
  await vi.waitFor(() => expect(good.events).toHaveLength(1), {timeout: 30_000})
  let sent = 0
  const isClosed = () => api.log.lines.some(({message}) => /could not keep up/.test(message))
  while (!isClosed() && sent < 1_000) {
    sent += 1
    api.source.publish({hosts}, change('host1', 'primary', 'standby'))
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  expect(isClosed()).toBe(true)
  await vi.waitFor(() => expect(good.events.flatMap(({data}) => JSON.parse(data).changes ?? [])).toHaveLength(sent), {
    timeout: 30_000,
  })
  slow.destroy()
})

test('garbage on an open stream closes the stream without a second answer', async () => {
  await using api = await started(one)
  await using reader = read(api.url, '/v1/events')
  await vi.waitFor(() => expect(reader.events).toHaveLength(1), {timeout: 30_000})
  reader.socket.write('\0\0garbage\r\n\r\n')
  await vi.waitFor(() => expect(reader.socket.closed).toBe(true), {timeout: 30_000})
  expect(reader.text()).not.toContain('400')
})

test('stop: the streams end at once, before their connections are cut', async () => {
  // The cut of open connections after graceMs is held.
  const api = await started(one, {}, {clock: heldClock()})
  await using reader = read(api.url, '/v1/events')
  await vi.waitFor(() => expect(reader.events).toHaveLength(1), {timeout: 30_000})
  const stopped = api[Symbol.asyncDispose]()
  await vi.waitFor(() => expect(reader.socket.closed).toBe(true), {timeout: 30_000})
  await stopped
})

test('history: the last 1,000 events, fewer with large snapshots, and never a silent gap', () => {
  const history = (hosts: number) => {
    const names = Object.fromEntries(Array.from({length: hosts}, (_, index) => [`h${index}`, standby()]))
    const at = (sequence: number) => snapshot({hosts: names, sequence})
    const kept = new EventHistory(at(0))
    for (let sequence = 1; sequence <= 1_200; sequence += 1)
      kept.add({changes: [], snapshot: {...at(1), sequence}}, noon)
    return {since: (sequence: number) => kept.since(`9f2c41-${sequence}`, at(1_200))?.length ?? null}
  }
  const small = history(2)
  expect([199, 200, 201, 1_199, 1_200, 1_201].map((sequence) => small.since(sequence))).toEqual([
    null,
    1_000,
    999,
    1,
    0,
    null,
  ])
  expect([699, 700].map((sequence) => history(400).since(sequence))).toEqual([null, 500])
})

test('the backlog of a slow reader is bounded', () => {
  const response = {
    destroyed: false,
    writableNeedDrain: false,
    writableLength: 0,
    write(text: string) {
      response.writableLength += text.length
    },
    destroy() {
      response.destroyed = true
    },
  }
  const drops: string[] = []
  const reader = new EventReader(response as unknown as ServerResponse, true, (reason) => drops.push(reason))
  const frame = 'x'.repeat(100_000)
  let written = 0
  while (reader.write(frame)) written += 1
  expect(written).toBeLessThan(14)
  expect(response.destroyed).toBe(true)
  expect(response.writableLength).toBeLessThan((1 << 20) + 4 * frame.length)
  expect(reader.write(frame)).toBe(false)
  expect(drops).toEqual(['unread'])
})

/** A reader on a bare socket. */
function read(url: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const events: EventSourceMessage[] = []
  const parser = createParser({onEvent: (event) => events.push(event)})
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1')
  let [text, head] = ['', '']
  socket.on('error', () => {})
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
    if (head === '') {
      head = text.slice(0, text.indexOf('\r\n\r\n') + 4)
      return feed(text.slice(head.length))
    }
    feed(chunk)
  })
  // HTTP/1.0: no chunks between the lines.
  const feed = (chunk: string) => parser.feed(chunk)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${path} HTTP/1.0\r\nHost: x\r\n${lines.join('')}\r\n`)
  return {
    events,
    socket,
    get head() {
      return head
    },
    text: () => text,
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}
