import {once} from 'node:events'
import {connect, createServer, type Server, type Socket} from 'node:net'
import {describe, expect, onTestFinished, test} from 'vitest'
import {startAgent} from '../../src/actuators/agent/server.ts'
import {until} from '../../src/demo/wait-until.ts'
import {started} from '../api/started.ts'
import {adapted} from '../support/adapted.ts'
import {type FakeSource, fakeSource, keptLog, realClock} from '../support/fake-source.ts'
import {fileOfWriters, type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {primary, type SnapshotDraft, standby, unasked, unavailable} from '../support/snapshots.ts'
import {Way} from '../support/way.ts'

const first: SnapshotDraft = {hosts: {host1: primary(), host2: standby()}}
const second: SnapshotDraft = {hosts: {host1: standby('host2'), host2: primary()}}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as {port: number}).port
}

/** Not what is tested: new sessions go on. */
const patient = 'inter 1s fall 100'

async function site({way = new Way(), draft = first, guard = 'inter 1s fall 7'} = {}) {
  const api = await started(draft)
  onTestFinished(() => api[Symbol.asyncDispose]())
  const servers = await Promise.all(
    ['host1', 'host2'].map(async (name) => {
      const port = await listening(createServer((socket) => void socket.on('error', () => {}).write(name)))
      // The snapshot has other addresses. A name decides beside an address of no host.
      return {name, address: `127.0.0.1:${port}`}
    }),
  )
  onTestFinished(() => way[Symbol.asyncDispose]())
  const port = await way.before(Number(new URL(api.url).port))
  const daemon = {address: '127.0.0.1', port, tls: null}
  const text = fileOfWriters('httpchk', servers, daemon)
  const places = {'    user haproxy\n    group haproxy\n': '', '8066': '{port:checks}', 'inter 1s fall 7': guard}
  const haproxy = await startHaproxy(adapted(text, places))
  onTestFinished(() => haproxy[Symbol.asyncDispose]())
  return {api, way, haproxy}
}

function dial(haproxy: Haproxy): Socket {
  const socket = connect(haproxy.port('write'), '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return socket
}
/** Publishes one primary after the other, and looks at the writers all the time. */
async function swaps(source: FakeSource, way: Way, haproxy: Haproxy) {
  const [drafts, names] = [
    [first, second],
    ['host1', 'host2'],
  ]
  for (let swap = 1; swap <= 8; swap += 1) {
    way.late = names[(swap + 1) % 2] ?? null
    source.publish(drafts[swap % 2] as SnapshotDraft)
    await until(async () => {
      const {host1, host2} = await writers(haproxy)
      const up = [host1, host2].filter((word) => /^(UP|no check)/.test(word))
      expect(up.length, `swap ${swap}: ${host1}, ${host2}`).toBeLessThan(2)
      return /^(UP|no check)/.test(swap % 2 === 1 ? host2 : host1)
    })
  }
}
/** The host that answers a new session; '' where HAProxy rejects it. */
async function reached(haproxy: Haproxy): Promise<string> {
  const socket = dial(haproxy)
  const received = await new Promise<string>((resolve) =>
    socket.once('data', (chunk) => resolve(String(chunk))).once('close', () => resolve('')),
  )
  socket.destroy()
  return received
}
/** A session that stays open, and whether HAProxy has cut it. */
async function session(haproxy: Haproxy, host: string) {
  await until(async () => (await reached(haproxy)) === host)
  // Until its first check of the daemon HAProxy takes one failure for enough.
  await until(async () => (await haproxy.states())['pgroute66/serve'] === 'UP')
  const socket = dial(haproxy).resume()
  const [name] = await once(socket, 'data')
  expect(String(name)).toBe(host)
  let isCut = false
  socket.on('close', () => {
    isCut = true
  })
  return {isCut: () => isCut}
}
const writers = async (haproxy: Haproxy) => {
  const {'pg_write/host1': host1 = '', 'pg_write/host2': host2 = ''} = await haproxy.states()
  return {host1, host2}
}

describe.skipIf(lacks('HAProxy'))('style httpchk on a real HAProxy', () => {
  test.each(['silent', 'refusing'] as const)(
    'a daemon that is %s cuts no session, and changes no server',
    async (state) => {
      const {way, haproxy} = await site({guard: patient})
      const open = await session(haproxy, 'host1')
      way.turn(state)
      // Each question but the last has ended without an answer.
      await until(() => way.unanswered > 4)
      expect([open.isCut(), await writers(haproxy), await reached(haproxy)]).toEqual([
        false,
        {host1: 'UP', host2: 'DOWN'},
        'host1',
      ])
      way.turn('open')
      await until(async () => (await reached(haproxy)) === 'host1')
      expect(open.isCut()).toBe(false)
    },
  )

  test('a dead daemon ends new sessions, not open ones, and a new daemon brings them back', async () => {
    const {way, haproxy} = await site({guard: 'inter 200ms fall 5'})
    const open = await session(haproxy, 'host1')
    way.turn('refusing')
    await until(async () => (await reached(haproxy)) === '')
    expect([open.isCut(), (await haproxy.states())['pgroute66/serve']]).toEqual([false, 'DOWN'])
    way.turn('open')
    await until(async () => (await reached(haproxy)) === 'host1')
    expect(open.isCut()).toBe(false)
  })

  test('an explicit "no" cuts the sessions of the deposed host, also after a silence', async () => {
    const {api, way, haproxy} = await site()
    const open = await session(haproxy, 'host1')
    way.turn('silent')
    api.source.publish(second)
    await until(() => way.unanswered > 2)
    expect(open.isCut()).toBe(false)
    way.turn('open')
    await until(() => open.isCut())
    await until(async () => (await reached(haproxy)) === 'host2')
  })

  test('a host that is out of sight keeps its sessions and gets no new ones; its successor cuts them', async () => {
    const {api, way, haproxy} = await site()
    const open = await session(haproxy, 'host1')
    api.source.publish({hosts: {host1: unavailable('timeout'), host2: standby()}})
    await until(async () => (await reached(haproxy)) === '')
    way.turn('silent')
    await until(() => way.unanswered > 2)
    expect([open.isCut(), (await writers(haproxy)).host1]).toEqual([false, 'NOLB'])
    way.turn('open')
    api.source.publish(first)
    await until(async () => (await reached(haproxy)) === 'host1')
    expect(open.isCut()).toBe(false)
    api.source.publish({hosts: {host1: unavailable('timeout'), host2: standby()}})
    await until(async () => (await writers(haproxy)).host1 === 'NOLB')
    api.source.publish({hosts: {host1: unavailable('timeout'), host2: primary()}})
    await until(() => open.isCut())
    await until(async () => (await reached(haproxy)) === 'host2')
  })

  test('a daemon that has just started, and knows nothing yet, changes no server', async () => {
    const {api, haproxy} = await site({guard: patient})
    const open = await session(haproxy, 'host1')
    const asked = api.source.asked
    api.source.publish({hosts: {host1: unasked(), host2: unasked()}})
    await until(() => api.source.asked > asked + 12)
    expect([open.isCut(), await writers(haproxy)]).toEqual([false, {host1: 'UP', host2: 'DOWN'}])
    expect(await reached(haproxy)).toBe('host1')
  })

  test('a HAProxy that has never had an answer lets no writer in', async () => {
    const way = new Way()
    way.turn('refusing')
    const {haproxy} = await site({way})
    await until(async () => {
      expect(await reached(haproxy)).toBe('')
      const {host1, host2} = await writers(haproxy)
      return host1 === 'DOWN' && host2 === 'DOWN'
    })
    way.turn('open')
    await until(async () => (await reached(haproxy)) === 'host1')
  })

  test('never two writers up, also when the "no" for the deposed one is late', async () => {
    const {api, way, haproxy} = await site()
    await until(async () => (await reached(haproxy)) === 'host1')
    await swaps(api.source, way, haproxy)
  })

  test('the port of the checks passes on nothing but questions of HAProxy', async () => {
    const {haproxy} = await site()
    const port = haproxy.port('checks')
    for (const [path, method] of [
      ['/v1/primary', 'GET'],
      ['/haproxy/primary', 'POST'],
      ['/v1/hosts/host1/drain', 'POST'],
    ] as const)
      expect((await fetch(`http://127.0.0.1:${port}${path}`, {method})).status).toBe(403)
  })
})

test.skipIf(lacks('HAProxy'))('style agent: never two writers up, also when each "down" is late', async () => {
  const [source, way] = [fakeSource(first), new Way()]
  const around = {source, clock: realClock(), log: keptLog(), fallback: () => 'primary' as const}
  const settings = {bind: '127.0.0.1', port: 0}
  const agent = await startAgent({settings, ...around, isFrozen: () => false, namedOnly: () => {}})
  onTestFinished(() => agent[Symbol.asyncDispose]())
  onTestFinished(() => way[Symbol.asyncDispose]())
  const daemon = {address: '127.0.0.1', port: await way.before(Number(agent.address.split(':')[1])), tls: null}
  const servers = ['host1', 'host2'].map((name, index) => ({name, address: `127.0.0.1:${index + 1}`}))
  const text = fileOfWriters('agent', servers, daemon)
  const haproxy = await startHaproxy(adapted(text, {'    user haproxy\n    group haproxy\n': ''}))
  onTestFinished(() => haproxy[Symbol.asyncDispose]())
  await until(async () => /^(UP|no check)/.test((await writers(haproxy)).host1))
  await swaps(source, way, haproxy)
})
