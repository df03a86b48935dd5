import assert from 'node:assert/strict'
import {once} from 'node:events'
import {connect, createServer, type Socket} from 'node:net'
import {describe, onTestFinished, test} from 'vitest'
import {Handover} from '../../src/actuators/agent/handover.ts'
import {type Agent, startAgent} from '../../src/actuators/agent/server.ts'
import {OperatorError} from '../../src/core/errors.ts'
import type {ServerName} from '../../src/core/offers/server-name.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {until} from '../../src/demo/wait-until.ts'
import {fakeSource, keptLog, realClock} from '../support/fake-source.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {drained, primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

const healthy: SnapshotDraft = {hosts: {host1: primary(), host2: standby('host1', {lagBytes: 4 * 1024 ** 2})}}
const switched: SnapshotDraft = {hosts: {host1: unavailable('timeout'), host2: primary()}}

async function started(draft: SnapshotDraft = healthy) {
  const source = fakeSource(draft)
  const state = {isFrozen: false, named: [] as string[]}
  const settings = {bind: '127.0.0.1', port: 0}
  const around = {
    source,
    clock: realClock(),
    log: keptLog(),
    fallback: () => 'primary' as const,
    namedOnly: ({address, port}: ServerName, host: string) => void state.named.push(`${host}@${address}:${port}`),
    isFrozen: () => state.isFrozen,
  }
  const agent = await startAgent({settings, ...around})
  onTestFinished(() => agent[Symbol.asyncDispose]())
  return {agent, source, state, settings, around}
}

const portOf = ({address}: Agent) => Number(address.split(':').at(-1))

function dial(agent: Agent): Socket {
  const socket = connect(portOf(agent), '127.0.0.1')
    .on('error', () => {})
    .resume()
  onTestFinished(() => void socket.destroy())
  return socket
}

/** All that the agent sends until it closes. `text`: sent piece by piece. */
async function ask(agent: Agent, ...text: readonly (string | Buffer)[]): Promise<string> {
  const socket = dial(agent)
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  const closed = once(socket, 'close')
  for (const piece of text) await new Promise((resolve) => socket.write(piece, () => setImmediate(resolve)))
  await closed
  return received
}

test('the agent answers one line and closes the connection', async () => {
  const {agent, source, state} = await started()
  assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
  assert.equal(await ask(agent, 'host2 replica lag=16MB\r\n'), 'ready up 75%\n')
  assert.equal(await ask(agent, 'host', '1 pri', 'mary\n'), 'ready up 100%\n')
  assert.equal(await ask(agent, 'host1 primary\nhost2 primary\n'), 'ready up 100%\n')
  source.set(switched)
  for (const _ of ['told', 'asks again']) assert.match(await ask(agent, 'host1 primary\n'), /^down #/)
  assert.equal(await ask(agent, 'host2 primary\n'), 'ready up 100%\n')
  state.isFrozen = true
  assert.equal(await ask(agent, 'host2 primary\n'), '\n')
  // The last question for each server, the last answer to it, and who asked.
  const asked = agent.questions().map(({client, question, answer}) => `${client}: ${question}: ${answer}`)
  assert.match(asked[0] ?? '', /^127\.0\.0\.1: host1 primary: down #/)
  assert.deepEqual(asked.slice(1), ['127.0.0.1: host2 primary: ', '127.0.0.1: host2 replica lag=16MB: ready up 75%'])
})

test('a deposed writer gets "down" before its successor gets "up"', async () => {
  const {agent, source, state} = await started()
  assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
  state.isFrozen = true
  source.set(switched)
  assert.equal(await ask(agent, 'host1 primary\n'), '\n')
  state.isFrozen = false
  assert.equal(await ask(agent, 'host2 primary\n'), 'down #host1 goes down first\n')
  // A reader does not compete with a writer.
  assert.equal(await ask(agent, 'host2 replica\n'), 'ready up 100%\n')
  assert.match(await ask(agent, 'host1 primary\n'), /^down #/)
  // The "down" may be on its way: HAProxy has it when it asks again.
  assert.equal(await ask(agent, 'host2 primary\n'), 'down #host1 goes down first\n')
  assert.match(await ask(agent, 'host1 primary\n'), /^down #/)
  assert.equal(await ask(agent, 'host2 primary\n'), 'ready up 100%\n')
})

test('a HAProxy that no longer asks for the deposed writer does not hold up its successor', () => {
  const handover = new Handover()
  const [before, after] = [snapshot(healthy), snapshot(switched)]
  const up = (client: string, host: string, draft: Snapshot, now: number) =>
    handover.settle({client, question: host, answer: 'ready up 100%', snapshot: draft, now})
  assert.equal(up('10.0.0.9', 'host1', before, 0), 'ready up 100%')
  assert.match(up('10.0.0.9', 'host2', after, 2_000), /^down #/)
  assert.equal(up('10.0.0.8', 'host2', after, 2_000), 'ready up 100%')
  assert.equal(up('10.0.0.9', 'host2', after, 10_001), 'ready up 100%')
})

test('hosts of different groups may be up together', () => {
  const handover = new Handover()
  const up = (host: string) =>
    handover.settle({client: '10.0.0.9', question: host, answer: 'ready up 100%', snapshot: two, now: 0})
  const two = snapshot({hosts: {host1: primary(), host2: primary()}, groups: {one: ['host1'], two: ['host2']}})
  assert.equal(up('host1'), 'ready up 100%')
  assert.equal(up('host2'), 'ready up 100%')
})

test('garbage gets one line or a closed connection', async () => {
  const {agent} = await started()
  const lineOrEnd = /^(down #[\x20-\x7e]+\n)?$/
  for (const garbage of [
    '\n',
    'GET / HTTP/1.1\r\n\r\n',
    Buffer.from([0x16, 3, 1, 0, 0xff, 10]),
    'x'.repeat(257),
    Buffer.alloc(1_000_000, 'x'),
    `${'x'.repeat(300)}\n`,
  ])
    assert.match(await ask(agent, garbage), lineOrEnd)
  assert.match(await ask(agent, `host1 ${' '.repeat(300)}primary\n`), /^down #cannot understand|^ready up 100%/)
  assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
})

test('a client that sends nothing, or no end of line, is disconnected without an answer', async () => {
  const {agent} = await started()
  assert.equal(await ask(agent), '')
  assert.equal(await ask(agent, 'host1 primary'), '')
})

test('three thousand silent, slow or hostile clients: HAProxy still gets its answers, and no connection stays', {
  timeout: 240_000,
}, async () => {
  const {agent} = await started()
  const before = process.memoryUsage().rss
  const clients: Socket[] = []
  for (let index = 0; index < 3_000; index += 1) {
    const socket = dial(agent)
    if (index % 3 === 1) socket.write('host1 prim')
    if (index % 3 === 2) socket.write(Buffer.alloc(4_096, index))
    clients.push(socket)
    if (index % 100 === 0) assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
  }
  assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
  await until(() => clients.every(({destroyed}) => destroyed))
  assert.equal(await ask(agent, 'host2 primary\n'), 'down #host1 is the only primary\n')
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 ** 2)
})

test('a reload moves the port, and keeps the old one when the new address is taken', async () => {
  const {agent, settings} = await started()
  const before = agent.address
  await agent.reload(settings)
  assert.equal(agent.address, before)
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const {port} = other.address() as {port: number}
  await assert.rejects(
    agent.reload({bind: '127.0.0.1', port}),
    (error) => error instanceof OperatorError && error.code === 'LISTEN',
  )
  assert.equal(agent.address, before)
  assert.equal(await ask(agent, 'host1 primary\n'), 'ready up 100%\n')
  await agent.reload({bind: '::1', port: 0})
  assert.match(agent.address, /^\[::1\]:\d+$/)
})

test('an address that is taken is an OperatorError at the start', async () => {
  const {agent, around} = await started()
  await assert.rejects(
    startAgent({settings: {bind: '127.0.0.1', port: portOf(agent)}, ...around}),
    /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/,
  )
})

test('stopping the agent closes every open connection', async () => {
  const {agent} = await started()
  const silent = dial(agent)
  await once(silent, 'connect')
  await agent[Symbol.asyncDispose]()
  if (!silent.destroyed) await once(silent, 'close')
})

describe.skipIf(lacks('HAProxy'))('agent-check of a real HAProxy', () => {
  test('HAProxy follows each answer, keeps its state in maintenance, cuts only a deposed primary', async () => {
    const servers = [1, 2].map((number) =>
      createServer((socket) => {
        const greet = () => void socket.write(`host${number}\n`)
        socket.on('error', () => {}).on('data', greet)
        greet()
      }).listen(0, '127.0.0.1'),
    )
    for (const server of servers) onTestFinished(() => void server.close())
    await Promise.all(servers.map((server) => once(server, 'listening')))
    const {agent, source, state} = await started()
    const ports = servers.map((server) => (server.address() as {port: number}).port)
    const line = (index: number, role: string) =>
      `    server host${index + 1} 127.0.0.1:${ports[index]} agent-send "host${index + 1} ${role}\\n"`
    const agentAt = `agent-addr 127.0.0.1 agent-port ${portOf(agent)} agent-inter 50ms`
    const agentCheck = `    default-server agent-check ${agentAt} weight 100 disabled`
    const haproxy = await startHaproxy(
      [
        'defaults\n    mode tcp\n    timeout connect 1s\n    timeout client 1m\n    timeout server 1m',
        `listen pg_write\n    bind 127.0.0.1:{port:write}\n${agentCheck} on-marked-down shutdown-sessions`,
        line(0, 'primary'),
        line(1, 'primary'),
        // The name of host1 at the address of host2.
        `    server crossed 127.0.0.1:${ports[1]} agent-send "host1@10.0.0.2:5432 primary\\n"\n`,
        `listen pg_read\n    bind 127.0.0.1:{port:read}\n${agentCheck}`,
        line(0, 'replica'),
        line(1, 'replica lag=16MB'),
        '',
      ].join('\n'),
    )
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    const expectStates = async (expected: Readonly<Record<string, RegExp>>) => {
      let states: Awaited<ReturnType<typeof haproxy.states>> = {}
      const isSo = async () => {
        states = await haproxy.states()
        return Object.entries(expected).every(([server, state]) => state.test(states[server] ?? ''))
      }
      await until(isSo, 60_000).catch(() => assert.deepEqual(states, expected))
    }
    // While a check is under way, HAProxy shows no answer of the one before.
    const shows = (line: RegExp) => until(async () => line.test(await haproxy.ask('show stat')))
    // The state of a server that is up and has an agent and no health check.
    const up = /^no check/
    const client = () => {
      const socket = connect(haproxy.port('write'), '127.0.0.1').on('error', () => {})
      onTestFinished(() => void socket.destroy())
      return socket.setEncoding('utf8')
    }
    const greeting = async (socket: Socket) => String((await once(socket, 'data'))[0])
    const weightOf = async (server: string) =>
      (await haproxy.serversState()).find(({srv_name}) => srv_name === server)?.srv_uweight

    await expectStates({
      'pg_write/host1': up,
      'pg_write/host2': /^MAINT/,
      'pg_write/crossed': /^(MAINT|DOWN)/,
      'pg_read/host1': /^MAINT/,
      'pg_read/host2': up,
    })
    await shows(/^pg_read,host2,(?:[^,]*,){16}75,/m)
    assert.equal(await weightOf('host1'), '100')
    const session = client()
    assert.equal(await greeting(session), 'host1\n')

    // Maintenance: nothing moves.
    state.isFrozen = true
    const asked = source.asked
    source.set(switched)
    await until(() => source.asked > asked + 20)
    await expectStates({'pg_write/host1': up, 'pg_write/host2': /^MAINT/})
    state.isFrozen = false

    // An unavailable host without a successor: no new connections, and the open one stays.
    source.set({hosts: {host1: unavailable('timeout'), host2: standby()}})
    await expectStates({'pg_write/host1': /^DRAIN/, 'pg_write/host2': /^(MAINT|DOWN)/})
    source.set({hosts: {host1: primary({drained}), host2: standby()}})
    await expectStates({'pg_write/host1': /^DRAIN/})
    source.set(healthy)
    await expectStates({'pg_write/host1': up})
    session.write('still here?')
    assert.equal(await greeting(session), 'host1\n')

    // A successor: HAProxy cuts the open connection.
    const cut = once(session, 'close')
    source.set(switched)
    await expectStates({'pg_write/host1': /^DOWN/, 'pg_write/host2': up, 'pg_write/crossed': /^(MAINT|DOWN)/})
    await shows(/pg_write,crossed,.*server host1 has the address 10\.0\.0\.2:5432/)
    await cut
    assert.equal(await greeting(client()), 'host2\n')

    source.set({hosts: {host1: unavailable('foreign-cluster'), host2: primary()}})
    await expectStates({'pg_write/host1': /^MAINT/, 'pg_write/host2': up})
    source.set({hosts: {host1: primary(), host2: primary()}})
    await expectStates({'pg_write/host1': /^(MAINT|DOWN)/, 'pg_write/host2': /^DOWN/})
    source.set(healthy)
    await expectStates({'pg_write/host1': up, 'pg_write/host2': /^DOWN/})
  })
})

test('a server at an address of no host is told of, and its name alone decides', async () => {
  const {agent, state} = await started()
  for (const server of ['host1', 'host1@10.0.0.1:5432'])
    assert.equal(await ask(agent, `${server} primary\n`), 'ready up 100%\n')
  assert.deepEqual(state.named, [])
  assert.equal(await ask(agent, 'host1@192.0.2.1:5432 primary\n'), 'ready up 100%\n')
  assert.match(await ask(agent, 'host9@192.0.2.1:5432 primary\n'), /^down/)
  assert.deepEqual(state.named, ['host1@192.0.2.1:5432'])
})
