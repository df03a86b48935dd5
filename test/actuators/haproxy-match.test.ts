import {connect, createServer, type Socket} from 'node:net'
import {describe, expect, onTestFinished, test} from 'vitest'
import {haproxyActuator} from '../../src/actuators/haproxy/actuator.ts'
import {type HaproxyServer, matchServer} from '../../src/actuators/haproxy/match.ts'
import {type DesiredHaproxy, planHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {findServer} from '../../src/core/offers/server-lookup.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {primary, type SnapshotDraft, snapshot, standby} from '../support/snapshots.ts'

const draft: SnapshotDraft = {
  hosts: {
    host1: primary({address: 'db1.example', addresses: ['db1.example', '10.0.0.1']}),
    host2: standby('host1', {address: 'db2.example', addresses: ['db2.example', '10.0.0.2', 'FD00::2']}),
  },
}
const writers: DesiredHaproxy = {backends: {w: 'primary'}, fallback: () => 'primary'}
const server = (name: string, address: string | null, more: Partial<HaproxyServer> = {}): HaproxyServer => ({
  ...{backend: 'w', server: name, address, port: 5432, name: null, adminState: 0, sessions: 0},
  ...more,
})

type Row = readonly [given: string, name: string, address: string | null, dns: string | null, found: string]
const rows: readonly Row[] = [
  ['its own address', 'host1', '10.0.0.1', null, 'host1'],
  ['its own address and DNS name', 'host1', '10.0.0.1', 'db1.example', 'host1'],
  ['an address that only its DNS name explains', 'host1', '10.9.9.9', 'db1.example', 'host1'],
  ['an address of no host', 'host1', '10.9.9.9', null, 'host1 by its name alone'],
  ['no address yet', 'host1', null, 'db1.example', 'host1'],
  ['a name of its own, and a DNS name', 'srv', '10.9.9.9', 'db1.example', 'host1'],
  ['the address of another host', 'host1', '10.0.0.2', null, 'the name of host1, the address of host2'],
  ['an alias of another host', 'host1', 'fd00:0:0::2', null, 'the name of host1, the address of host2'],
  // HAProxy connects to the address: its DNS answer is older or newer than ours.
  [
    'its DNS name at the address of another host',
    'host1',
    '10.0.0.2',
    'db1.example',
    'the name of host1, the address of host2',
  ],
  ['the DNS name of another host', 'host1', '10.9.9.9', 'db2.example', 'the name of host1, the address of host2'],
  [
    'a DNS name at the address of another host',
    'srv',
    '10.0.0.2',
    'db1.example',
    'the name of host1, the address of host2',
  ],
  ['neither name nor address', 'srv', '10.9.9.9', 'db9.example', 'no host'],
]
test.each(rows)('a server with %s', (_, name, address, dns, expected) => {
  const match = matchServer(server(name, address, {name: dns}), (asked) => findServer(asked, snapshot(draft)))
  const said =
    match.kind === 'mismatch'
      ? `the name of ${match.named}, the address of ${match.others}`
      : match.kind === 'unknown'
        ? 'no host'
        : `${match.host.host}${match.isAddressKnown ? '' : ' by its name alone'}`
  expect(said).toBe(expected)
})

describe('a server with the name of one host and the address of another', () => {
  const plan = (servers: readonly HaproxyServer[], of = draft) => {
    const {steps, problems} = planHaproxy(writers, servers, snapshot(of))
    return [steps.map(({kind, server}) => `${kind} ${server}`), problems.length]
  }
  const crossed = (more: Partial<HaproxyServer> = {}) => server('host1', '10.0.0.2', more)

  test('is stopped, and keeps no other server from being started', () =>
    expect(plan([crossed(), server('srv1', '10.0.0.1', {adminState: 1})])).toEqual([['stop host1', 'start srv1'], 1]))

  test('is not started, and gets no command once it is stopped', () =>
    expect(plan([crossed({adminState: 1})])).toEqual([[], 1]))

  test('its sessions are cut only beside the writer that they should lead to', () => {
    const writer = server('srv1', '10.0.0.1')
    expect(plan([crossed({sessions: 2}), writer])).toEqual([['stop host1', 'cut host1'], 1])
    expect(plan([crossed({sessions: 2})])).toEqual([['stop host1'], 1])
    const misnamed = server('host2', '10.0.0.1', {sessions: 2})
    expect(plan([misnamed, writer])).toEqual([['stop host2'], 1])
  })

  test('is stopped in a backend for readers too', () => {
    const readers = {...writers, backends: {w: 'replica'}} as const
    const misnamed = server('host2', '10.0.0.1')
    expect(planHaproxy(readers, [misnamed], snapshot(draft)).steps.map(({kind}) => kind)).toEqual(['stop'])
  })

  test('stays as it is while one of the two hosts is starting (V0)', () =>
    expect(
      plan([crossed()], {...draft, verdict: {kind: 'starting', rule: 'V0', primary: null, routedTo: null}}),
    ).toEqual([[], 1]))
})

describe.skipIf(lacks('HAProxy'))('a real HAProxy', () => {
  test('its server host1 is up at the address of host2: it is stopped, and its sessions end', async () => {
    const listening = async () => {
      const upstream = createServer((socket) => socket.on('error', () => {}))
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void upstream.close())
      return {upstream, port: (upstream.address() as {port: number}).port}
    }
    const [one, two] = [await listening(), await listening()]
    const running = await startHaproxy(`defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s
listen pg_write
    bind 127.0.0.1:{port:write}
    server host1 127.0.0.1:${two.port}
    server primary 127.0.0.1:${one.port} disabled
`)
    onTestFinished(() => running[Symbol.asyncDispose]())
    const client: Socket = connect(running.port('write'), '127.0.0.1')
    client.on('error', () => {})
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    await new Promise<void>((resolve) => two.upstream.once('connection', () => resolve()))

    const real = snapshot({
      hosts: {
        host1: primary({address: '127.0.0.1', port: one.port}),
        host2: standby('host1', {address: '127.0.0.1', port: two.port}),
      },
    })
    const actuator = haproxyActuator(
      {socket: running.socket, masterSocket: null},
      {backends: {pg_write: 'primary'}, fallback: () => 'primary'},
    )
    const options = {dryRun: false, isOutdated: () => false, signal: AbortSignal.timeout(60_000)}
    const {steps, problems} = await actuator.apply(real, options)
    await closed
    // The sessions are ended again while HAProxy still counts one.
    expect([...new Set(steps)]).toEqual([
      'set server pg_write/host1 state maint',
      'shutdown sessions server pg_write/host1',
      'set server pg_write/primary state ready',
    ])
    expect(problems).toEqual([
      expect.stringContaining('has the name of host1 and the address of host2, so it gets no connection'),
    ])
    const {'pg_write/host1': crossed, 'pg_write/primary': named} = await running.states()
    expect([crossed, named]).toEqual(['MAINT', expect.stringMatching(/^(UP|no check)/)])
    expect(await actuator.apply(real, options)).toMatchObject({outcome: 'in-sync', steps: []})
  })
})
