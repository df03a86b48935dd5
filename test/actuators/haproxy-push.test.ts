import {connect, createServer, type Server, type Socket} from 'node:net'
import {join} from 'node:path'
import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {haproxyActuator} from '../../src/actuators/haproxy/actuator.ts'
import type {DesiredHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {isSameLife} from '../../src/actuators/haproxy/read.ts'
import {until} from '../../src/demo/wait-until.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

const wish: DesiredHaproxy = {backends: {pg_write: 'primary', pg_read: 'replica'}, fallback: () => 'primary'}
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

describe.skipIf(lacks('HAProxy'))('a real HAProxy, pushed', () => {
  let server: Server
  let port = 0
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as {port: number}).port
    return () => void server.close()
  })

  const config = (level = '') => `global
    stats socket {folder}/${level || 'second'}.sock mode 660 level ${level || 'admin'}
defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s
${['write', 'read'].map((name) => `listen pg_${name}\n    bind 127.0.0.1:{port:${name}}\n    server host1 127.0.0.1:${port} disabled\n    server host2 127.0.0.1:${port} disabled\n`).join('')}`
  async function haproxy(level?: string): Promise<Haproxy> {
    const started = await startHaproxy(config(level))
    onTestFinished(() => started[Symbol.asyncDispose]())
    return started
  }
  const options = {
    dryRun: false,
    isOutdated: () => false,
    get signal() {
      return AbortSignal.timeout(10_000)
    },
  }
  const push = ({socket}: Haproxy, masterSocket: string | null = null) => haproxyActuator({socket, masterSocket}, wish)
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

  test('starts what may serve; a switch stops, cuts the sessions of the deposed primary, and then starts', async () => {
    const running = await haproxy()
    const target = push(running)
    expect(await target.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
    expect(await up(running)).toEqual(['pg_read/host2', 'pg_write/host1'])
    expect(await target.apply(snapshot(hosts('host1')), options)).toEqual({outcome: 'in-sync', steps: [], problems: []})
    const {closed} = await client(running)
    const {steps} = await target.apply(snapshot(hosts('host2')), options)
    await closed
    expect(steps).toEqual([
      'set server pg_write/host1 state maint',
      'set server pg_read/host2 state maint',
      'shutdown sessions server pg_write/host1',
      'set server pg_write/host2 state ready',
      'set server pg_read/host1 state ready',
    ])
    expect(await up(running)).toEqual(['pg_read/host1', 'pg_write/host2'])
  })

  test('nobody may be written to: stopped, and no session is cut', async () => {
    const running = await haproxy()
    const target = push(running)
    await target.apply(snapshot(hosts('host1')), options)
    const {socket, closed} = await client(running)
    const gone: SnapshotDraft = {hosts: {host1: unavailable('timeout'), host2: standby('host1')}}
    expect((await target.apply(snapshot(gone), options)).steps).toEqual(['set server pg_write/host1 state maint'])
    expect((await target.apply(snapshot(rivals), options)).steps).toEqual(['set server pg_read/host2 state maint'])
    expect(await up(running)).toEqual([])
    expect(socket.closed).toBe(false)
    socket.destroy()
    await closed
  })

  test('a group that is asked for the first time stays as it is', async () => {
    const running = await haproxy()
    await push(running).apply(snapshot(hosts('host1')), options)
    expect(await push(running).apply(snapshot(starting), options)).toEqual({
      outcome: 'in-sync',
      steps: [],
      problems: [],
    })
    expect(await up(running)).toEqual(['pg_read/host2', 'pg_write/host1'])
  })

  test('what was allowed when a pass began, and is not any more, is not started', async () => {
    const running = await haproxy()
    const target = push(running)
    const overtaken = {...options, isOutdated: () => true, signal: options.signal}
    expect(await target.apply(snapshot(hosts('host1')), overtaken)).toMatchObject({steps: []})
    expect(await up(running)).toEqual([])
    await target.apply(snapshot(hosts('host1')), options)
    const {steps} = await target.apply(snapshot(hosts('host2')), overtaken)
    expect(steps).toEqual(['set server pg_write/host1 state maint', 'set server pg_read/host2 state maint'])
  })

  test('each life of HAProxy in a container has the same pid', () => {
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '8', uptimeS: 4})).toBe(true)
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '8', uptimeS: 1})).toBe(false)
    expect(isSameLife({pid: '8', uptimeS: 3}, {pid: '9', uptimeS: 4})).toBe(false)
  })

  test('a dry run says what it would do, and does nothing', async () => {
    const running = await haproxy()
    const {outcome, steps} = await push(running).apply(snapshot(hosts('host1')), {...options, dryRun: true})
    expect([outcome, steps.length]).toEqual(['planned', 2])
    expect(steps[0]).toMatch(/^set server pg_write\/host1 state ready {2}# host1 may serve as primary$/)
    expect(await up(running)).toEqual([])
  })

  test('after a reload and after a restart everything is said again, and nobody is accused', async () => {
    const running = await haproxy()
    const target = push(running)
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await target.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
      await running.reload()
      expect(await up(running)).toEqual([])
    }
  })

  test('a second pusher with the opposite view: at no look are two up; both raise the alarm and only stop', async () => {
    const running = await haproxy()
    const [one, other] = [push(running), push(running)]
    const heard: string[] = []
    const pass = async (target: typeof one, view: string) => {
      const {problems} = await target.apply(snapshot(hosts(view)), options)
      heard.push(...problems)
      const writers = (await up(running)).filter((name) => name.startsWith('pg_write'))
      expect(writers.length).toBeLessThan(2)
    }
    for (let turn = 0; turn < 4; turn += 1) {
      await pass(one, 'host1')
      await pass(other, 'host2')
    }
    expect(heard.filter((problem) => problem.startsWith('somebody else')).length).toBeGreaterThan(1)
    expect((await up(running)).filter((name) => name.startsWith('pg_write'))).toEqual([])
    one.renew?.()
    expect(await one.apply(snapshot(hosts('host1')), options)).toMatchObject({outcome: 'applied', problems: []})
  })

  test('with the master socket, a session that an old worker holds to a deposed primary is cut', async () => {
    const running = await startHaproxy(config(), {masterSocket: true})
    onTestFinished(() => running[Symbol.asyncDispose]())
    const target = push(running, join(running.folder, 'master.sock'))
    await target.apply(snapshot(hosts('host1')), options)
    const {closed} = await client(running)
    await running.reload()
    await target.apply(snapshot(hosts('host1')), options)
    const said: string[] = []
    // The master is the last to be there after a reload.
    const isCut = async () => {
      const {steps} = await target.apply(snapshot(hosts('host2')), options)
      said.push(...steps)
      return steps.some((step) => /^@!\d+ shutdown session 0x/.test(step))
    }
    await until(isCut)
    expect(said.indexOf('set server pg_write/host2 state ready')).toBeGreaterThan(-1)
    await closed
  })

  test.each([
    ['a socket that is not there', {socket: '/nowhere/admin.sock'}, 'is HAProxy running'],
    ['a port that nobody has', {socket: '127.0.0.1:1'}, 'is HAProxy running'],
  ])('%s: said with what to do', async (_, {socket}, words) => {
    const {outcome, problems} = await haproxyActuator({socket, masterSocket: null}, wish).apply(
      snapshot(hosts('host1')),
      options,
    )
    expect(outcome).toBe('failed')
    expect(problems.join()).toContain(words)
  })

  test('a socket of level operator may not set a server: said with what to do', async () => {
    const running = await haproxy('user')
    const target = haproxyActuator({socket: join(running.folder, 'user.sock'), masterSocket: null}, wish)
    const {outcome, problems} = await target.apply(snapshot(hosts('host1')), options)
    expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining('level admin')])
    expect(await up(running)).toEqual([])
  })

  test('backends and servers that are none of ours are named and left alone; what is ours is done', async () => {
    const running = await haproxy()
    const strange = haproxyActuator(
      {socket: running.socket, masterSocket: null},
      {...wish, backends: {pg_write: 'primary', pg_rw: 'primary'}},
    )
    const one: SnapshotDraft = {hosts: {host1: primary(), elsewhere: standby('host1', {address: '10.9.9.9'})}}
    const {outcome, problems} = await strange.apply(snapshot(one), options)
    expect(outcome).toBe('failed')
    expect(problems.join('\n')).toMatch(/server pg_write\/host2 .* is no host of ours[\s\S]*no backend "pg_rw"/)
    expect(await up(running)).toEqual(['pg_write/host1'])
  })
})
