import {connect, createServer, type Server, type Socket} from 'node:net'
import {join} from 'node:path'
import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {haproxyActuator} from '../../src/actuators/haproxy/actuator.ts'
import type {DesiredHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {isSameLife} from '../../src/actuators/haproxy/read.ts'
import type {RouterReading} from '../../src/core/router.ts'
import {until} from '../../src/demo/wait-until.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

const desired: DesiredHaproxy = {backends: {pg_write: 'primary', pg_read: 'replica'}, fallback: () => 'primary'}
const hosts = (first: string): SnapshotDraft => ({
  hosts: Object.fromEntries(['host1', 'host2'].map((host) => [host, host === first ? primary() : standby(first)])),
})
const rivals: SnapshotDraft = {
  hosts: {host1: primary(), host2: primary()},
  verdict: {kind: 'split-brain', rule: 'V1', primary: null, routedTo: null},
}
const starting: SnapshotDraft = {
  ...hosts('host2'),
  verdict: {kind: 'starting', rule: 'V0', primary: null, routedTo: null},
}

const shown = (reading: RouterReading | undefined): readonly string[] =>
  reading?.kind === 'haproxy'
    ? reading.servers.map(
        ({backend, server, role, host, state, sessions}) => `${backend}/${server} ${role} ${host} ${state} ${sessions}`,
      )
    : []
const inSync = {outcome: 'in-sync', steps: [], problems: []}

describe.skipIf(lacks('HAProxy'))('a real HAProxy, pushed', () => {
  let server: Server
  let port = 0
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as {port: number}).port
    return () => void server.close()
  })

  const listens = (name: string) =>
    `listen pg_${name}\n    bind 127.0.0.1:{port:${name}}\n` +
    ['host1', 'host2'].map((host) => `    server ${host} 127.0.0.1:${port} disabled\n`).join('')
  const config = (level = '') => `global
    stats socket {folder}/${level || 'second'}.sock mode 660 level ${level || 'admin'}
defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s
${['write', 'read'].map(listens).join('')}`
  async function haproxy(level?: string): Promise<Haproxy> {
    const started = await startHaproxy(config(level))
    onTestFinished(() => started[Symbol.asyncDispose]())
    return started
  }
  const options = {
    dryRun: false,
    isOutdated: () => false,
    get signal() {
      return AbortSignal.timeout(60_000)
    },
  }
  const push = ({socket}: Haproxy, masterSocket: string | null = null) =>
    haproxyActuator({socket, masterSocket}, desired)
  const up = async (running: Haproxy) =>
    (await running.serversState())
      .filter(({srv_admin_state}) => (Number(srv_admin_state) & 1) === 0)
      .map(({be_name, srv_name}) => `${be_name}/${srv_name}`)
      .sort()
  async function client(running: Haproxy): Promise<{socket: Socket; closed: Promise<void>}> {
    const socket = connect(running.port('write'), '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const arrived = new Promise<void>((resolve) => server.once('connection', () => resolve()))
    await arrived
    return {socket, closed}
  }

  test('a switch stops the deposed primary, cuts its sessions, and then starts its successor', async () => {
    const running = await haproxy()
    const actuator = push(running)
    expect(await actuator.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
    expect(await up(running)).toEqual(['pg_read/host2', 'pg_write/host1'])
    expect(await actuator.apply(snapshot(hosts('host1')), options)).toMatchObject(inSync)
    const {closed} = await client(running)
    const read = (await actuator.apply(snapshot(hosts('host1')), options)).reading
    expect(read).toMatchObject({kind: 'haproxy'})
    expect(shown(read)).toEqual([
      'pg_write/host1 primary host1 up 1',
      'pg_write/host2 primary host2 maint 0',
      'pg_read/host1 replica host1 maint 0',
      'pg_read/host2 replica host2 up 0',
    ])
    const {steps, reading} = await actuator.apply(snapshot(hosts('host2')), options)
    // After the switch, not before it.
    expect(shown(reading).map((text) => text.split(' ')[3])).toEqual(['maint', 'up', 'up', 'maint'])
    await closed
    // The sessions are ended again while HAProxy still counts one.
    expect([...new Set(steps)]).toEqual([
      'set server pg_write/host1 state maint',
      'set server pg_read/host2 state maint',
      'shutdown sessions server pg_write/host1',
      'set server pg_write/host2 state ready',
      'set server pg_read/host1 state ready',
    ])
    expect(await up(running)).toEqual(['pg_read/host1', 'pg_write/host2'])
  })

  test('no primary: the writer is stopped, and no session is cut', async () => {
    const running = await haproxy()
    const actuator = push(running)
    await actuator.apply(snapshot(hosts('host1')), options)
    const {socket, closed} = await client(running)
    const gone: SnapshotDraft = {hosts: {host1: unavailable('timeout'), host2: standby('host1')}}
    expect((await actuator.apply(snapshot(gone), options)).steps).toEqual(['set server pg_write/host1 state maint'])
    expect((await actuator.apply(snapshot(rivals), options)).steps).toEqual(['set server pg_read/host2 state maint'])
    expect(await up(running)).toEqual([])
    expect(socket.closed).toBe(false)
    socket.destroy()
    await closed
  })

  test('servers of a group that is starting (V0) stay as they are', async () => {
    const running = await haproxy()
    await push(running).apply(snapshot(hosts('host1')), options)
    expect(await push(running).apply(snapshot(starting), options)).toMatchObject(inSync)
    expect(await up(running)).toEqual(['pg_read/host2', 'pg_write/host1'])
  })

  test('a server that the newest snapshot no longer allows is not started', async () => {
    const running = await haproxy()
    const actuator = push(running)
    const overtaken = {...options, isOutdated: () => true, signal: options.signal}
    expect(await actuator.apply(snapshot(hosts('host1')), overtaken)).toMatchObject({steps: []})
    expect(await up(running)).toEqual([])
    await actuator.apply(snapshot(hosts('host1')), options)
    const {steps} = await actuator.apply(snapshot(hosts('host2')), overtaken)
    expect(steps).toEqual(['set server pg_write/host1 state maint', 'set server pg_read/host2 state maint'])
  })

  test('each life of HAProxy in a container has the same pid', () => {
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '8', uptimeS: 4})).toBe(true)
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '8', uptimeS: 1})).toBe(false)
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '9', uptimeS: 4})).toBe(false)
  })

  test('a dry run lists the commands and sends none', async () => {
    const running = await haproxy()
    const {outcome, steps} = await push(running).apply(snapshot(hosts('host1')), {...options, dryRun: true})
    expect([outcome, steps.length]).toEqual(['planned', 2])
    expect(steps[0]).toMatch(/^set server pg_write\/host1 state ready {2}# host1 may serve as primary$/)
    expect(await up(running)).toEqual([])
  })

  test('after a reload or restart of HAProxy every command is sent again; no second pusher is reported', async () => {
    const running = await haproxy()
    const actuator = push(running)
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await actuator.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
      await running.reload()
      expect(await up(running)).toEqual([])
    }
  })

  test('two pushers with opposite views: never two writers up; each reports the other pusher', async () => {
    const running = await haproxy()
    const [one, other] = [push(running), push(running)]
    const reported: string[] = []
    const pass = async (actuator: typeof one, view: string) => {
      const {problems} = await actuator.apply(snapshot(hosts(view)), options)
      reported.push(...problems)
      const writers = (await up(running)).filter((name) => name.startsWith('pg_write'))
      expect(writers.length).toBeLessThan(2)
    }
    for (let turn = 0; turn < 4; turn += 1) {
      await pass(one, 'host1')
      await pass(other, 'host2')
    }
    expect(reported.filter((problem) => problem.startsWith('another process is changing')).length).toBeGreaterThan(1)
    expect((await up(running)).filter((name) => name.startsWith('pg_write'))).toEqual([])
    one.renew?.()
    expect(await one.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
  })

  test('with the master socket, sessions of old workers to a deposed primary are cut', async () => {
    const running = await startHaproxy(config(), {masterSocket: true})
    onTestFinished(() => running[Symbol.asyncDispose]())
    const actuator = push(running, join(running.folder, 'master.sock'))
    await actuator.apply(snapshot(hosts('host1')), options)
    const {closed} = await client(running)
    await running.reload()
    await actuator.apply(snapshot(hosts('host1')), options)
    const sent: string[] = []
    // The master is the last to be there after a reload.
    const isCut = async () => {
      const {steps} = await actuator.apply(snapshot(hosts('host2')), options)
      sent.push(...steps)
      return steps.some((step) => /^@!\d+ shutdown session 0x/.test(step))
    }
    await until(isCut)
    expect(sent.indexOf('set server pg_write/host2 state ready')).toBeGreaterThan(-1)
    await closed
  })

  test.each([
    ['a missing socket', {socket: '/nowhere/admin.sock'}, 'is HAProxy running'],
    ['a closed port', {socket: '127.0.0.1:1'}, 'is HAProxy running'],
  ])('%s: the problem says what to do', async (_, {socket}, advice) => {
    const {outcome, problems} = await haproxyActuator({socket, masterSocket: null}, desired).apply(
      snapshot(hosts('host1')),
      options,
    )
    expect(outcome).toBe('failed')
    expect(problems.join()).toContain(advice)
  })

  test('a stats socket without level admin: the problem says what to do', async () => {
    const running = await haproxy('user')
    const actuator = haproxyActuator({socket: join(running.folder, 'user.sock'), masterSocket: null}, desired)
    const {outcome, problems} = await actuator.apply(snapshot(hosts('host1')), options)
    expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining('level admin')])
    expect(await up(running)).toEqual([])
  })

  test('servers at an address of no host follow their name, and are told of at each read', async () => {
    const running = await haproxy()
    const told: string[] = []
    const actuator = haproxyActuator({socket: running.socket, masterSocket: null}, desired, ({name, address}, host) => {
      told.push(`${name}@${address} is ${host}`)
    })
    await actuator.apply(snapshot(hosts('host1')), options)
    expect([...new Set(told)]).toEqual(['host1@127.0.0.1 is host1', 'host2@127.0.0.1 is host2'])
    const at = (address: string) => snapshot({hosts: {host1: primary({address, port}), host2: standby('host1')}})
    told.length = 0
    await actuator.apply(at('127.0.0.1'), options)
    expect(told).toEqual([])
  })

  test('unknown backends and servers are problems and left alone; the others get their commands', async () => {
    const running = await haproxy()
    const strange = haproxyActuator(
      {socket: running.socket, masterSocket: null},
      {...desired, backends: {pg_write: 'primary', pg_rw: 'primary'}},
    )
    const one: SnapshotDraft = {hosts: {host1: primary(), elsewhere: standby('host1', {address: '10.9.9.9'})}}
    const {outcome, problems} = await strange.apply(snapshot(one), options)
    expect(outcome).toBe('failed')
    expect(problems.join('\n')).toMatch(
      /server pg_write\/host2 .* matches no host and is left alone[\s\S]*no backend "pg_rw"/,
    )
    expect(await up(running)).toEqual(['pg_write/host1'])
  })
})
