import {execFileSync} from 'node:child_process'
import {once} from 'node:events'
import {createServer as createApi} from 'node:http'
import {connect, createServer, type Socket} from 'node:net'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {startAgent} from '../../src/actuators/agent/server.ts'
import {haproxyStyles} from '../../src/actuators/haproxy/cfg.ts'
import {until} from '../../src/demo/wait-until.ts'
import {workplace} from '../config/workplace.ts'
import {adapted} from '../support/adapted.ts'
import {fakeSource, keptLog, realClock} from '../support/fake-source.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {run} from '../support/run.ts'
import {primary, standby} from '../support/snapshots.ts'

const pair = 'hosts:\n  host1: {host: 10.0.0.1}\n  host2: {host: 10.0.0.2}\n'

async function printed(yaml: string, ...flags: readonly string[]) {
  const place = await workplace()
  onTestFinished(() => place[Symbol.asyncDispose]())
  const path = await place.write('pgroute66.yml', yaml)
  return {...(await run(['haproxy', 'config', '-c', path, ...flags], {env: place.env, cwd: place.directory})), place}
}

describe.skipIf(lacks('HAProxy'))('HAProxy accepts every printed file', () => {
  const configurations: Readonly<Record<string, readonly [string, ...string[]]>> = {
    'two hosts and nothing else': [pair],
    'addresses of every kind': [
      'hosts:\n  h1: {host: "fd00::1"}\n  h2: {host: nowhere.invalid}\n' +
        '  h3: {host: a, hostaddr: 10.0.0.3, port: 5433}\n  h4: {host: /run/postgresql}\n',
    ],
    'two groups': [`${pair}  host3: {host: 10.0.0.3}\ngroups: {orders: [host1, host2], stock: [host3]}\n`],
    'configured backends, one of them read-only': [
      `${pair}haproxy: {backends: {rw: primary, ro: replica, any: read-only}, ` +
        'instances: [{socket: "/run/with blank/a.sock"}]}\nagent: {port: 8010}\n',
    ],
    'sockets on TCP, a daemon elsewhere': [
      `${pair}haproxy: {backends: {rw: primary}, instances: [{socket: "127.0.0.1:9999"}]}\n`,
      '--daemon',
      '[fd00::7]:9443',
    ],
  }
  for (const [given, [yaml, ...flags]] of Object.entries(configurations))
    test.each(haproxyStyles)(`${given}: %s`, async (style) => {
      const {stdout, code, stderr, place} = await printed(yaml, '--style', style, ...flags)
      expect([code, stderr.includes('pgroute66:')]).toEqual([0, false])
      const file = await place.write('haproxy.cfg', stdout)
      expect(
        execFileSync('/usr/sbin/haproxy', ['-c', '-f', file], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']}),
      ).toContain('valid')
    })
})

test('each group has its own backends, with the hosts of the group as servers', async () => {
  const yaml = `${pair}  host3: {host: 10.0.0.3}\ngroups: {orders: [host1, host2], stock: [host3]}\n`
  const {stdout} = await printed(yaml, '--style', 'push')
  expect([...stdout.matchAll(/^listen (\S+)|^ {4}server (\S+)/gm)].map(([, name, server]) => name ?? server)).toEqual([
    'orders_write',
    'host1',
    'host2',
    'orders_read',
    'host1',
    'host2',
    'stock_write',
    'host3',
    'stock_read',
    'host3',
    'serve',
  ])
  const {stderr, code} = await printed(`${yaml}haproxy: {backends: {pg_write: primary}}\n`, '--style', 'httpchk')
  expect([code, stderr]).toEqual([2, expect.stringContaining('backend "pg_write" belongs to no group')])
})

test.each([
  [
    'push',
    'add "haproxy: {backends: {pg_write: primary, pg_read: replica}, instances: [{socket: /run/haproxy/admin.sock}]}"',
  ],
  ['agent', 'add "agent: {port: 8009}"'],
  ['external', 'do not add "chroot"'],
  ['external', 'set "check: {timeout: 800ms}"'],
])('%s: a warning on stderr says what to do beside the file', async (style, words) => {
  const {stderr, code} = await printed(pair, '--style', style)
  expect([code, stderr]).toEqual([0, expect.stringContaining(words)])
})

test('a complete configuration gets no warning', async () => {
  const yaml =
    `${pair}agent: {port: 8009}\nhaproxy: {backends: {pg_write: primary}, ` +
    'instances: [{socket: /run/haproxy/admin.sock}]}\n'
  for (const style of ['push', 'agent', 'httpchk']) expect((await printed(yaml, '--style', style)).stderr).toBe('')
})

test.each([
  [['--style', 'pull'], 'push, agent, httpchk, external'],
  [['--style', 'push', '--max-lag', '16MB'], '--max-lag has no effect in style push'],
  [['--style', 'agent', '--max-lag', '16'.repeat(9)], 'neither a size nor a duration'],
  [['--style', 'push', '--instance', '/run/other.sock'], 'haproxy.instances has no "/run/other.sock"'],
  [['--style', 'httpchk', '--daemon', 'a b'], '--daemon "a b" is not an address'],
] as const)('%s is refused with advice', async (flags, words) => {
  const {stdout, stderr, code} = await printed(pair, ...flags)
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(words)])
})

describe.skipIf(lacks('openssl'))('the certificate of serve', () => {
  const key = (folder: string) => {
    const [cert, secret] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const words = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=pg -keyout ${secret} -out ${cert}`
    execFileSync('openssl', words.split(' '), {stdio: 'ignore'})
    return `ssl: {cert_file: ${cert}, key_file: ${secret}}\n`
  }
  test('is verified wherever another process could answer in place of the daemon', async () => {
    await using place = await workplace()
    const yaml = `${pair}bind: 0.0.0.0\n${key(place.directory)}`
    const line = async (...flags: readonly string[]) =>
      [...(await printed(yaml, '--style', 'httpchk', ...flags)).stdout.matchAll(/(?<=server serve .*)ssl verify.*$/gm)]
        .map(([words]) => words)
        .join(', ')
    expect(await line()).toBe('ssl verify none, ssl verify none')
    expect(await line('--daemon', 'pg.example')).toBe(
      'ssl verify required ca-file @system-ca check-sni pg.example verifyhost pg.example, ' +
        'ssl verify required ca-file @system-ca sni str(pg.example) verifyhost pg.example',
    )
    expect(await line('--daemon', '10.0.0.7', '--ca', '/etc/ca.pem')).toBe(
      'ssl verify required ca-file /etc/ca.pem, ssl verify required ca-file /etc/ca.pem',
    )
    const verified = await printed(
      yaml,
      '--style',
      'httpchk',
      '--daemon',
      'pg.example',
      '--ca',
      `${place.directory}/cert.pem`,
    )
    const file = await place.write(
      'haproxy.cfg',
      verified.stdout.replaceAll('server serve pg.example', 'server serve 10.0.0.7'),
    )
    expect(execFileSync('/usr/sbin/haproxy', ['-c', '-f', file], {encoding: 'utf8'})).toContain('valid')
    const {code, stderr} = await printed(yaml, '--style', 'push', '--daemon', '10.0.0.7')
    expect([code, stderr]).toEqual([2, expect.stringContaining('cannot verify the certificate')])
  })
})

describe.skipIf(lacks('HAProxy'))('a real HAProxy with the printed file', () => {
  /** Servers that send `host1` and `host2` to each client. */
  async function servers(): Promise<readonly number[]> {
    const opened = ['host1', 'host2'].map((name) =>
      createServer((socket) => void socket.on('error', () => {}).write(name)).listen(0, '127.0.0.1'),
    )
    for (const server of opened) onTestFinished(() => void server.close())
    await Promise.all(opened.map((server) => once(server, 'listening')))
    return opened.map((server) => (server.address() as {port: number}).port)
  }

  async function started(yaml: string, style: string, places: Readonly<Record<string, string>>): Promise<Haproxy> {
    const {stdout} = await printed(yaml, '--style', style)
    const user = '    user haproxy\n    group haproxy\n'
    const here = {
      [user]: '',
      'bind :5000': 'bind 127.0.0.1:{port:write}',
      'bind :5001': 'bind 127.0.0.1:{port:read}',
      ...places,
    }
    const haproxy = await startHaproxy(adapted(stdout, here))
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    return haproxy
  }

  const hosts = ([one, two]: readonly number[]) =>
    `hosts:\n  host1: {host: 127.0.0.1, port: ${one}}\n  host2: {host: 127.0.0.1, port: ${two}}\n`
  const dial = (haproxy: Haproxy, name: string): Socket => {
    const socket = connect(haproxy.port(name), '127.0.0.1').on('error', () => {})
    onTestFinished(() => void socket.destroy())
    return socket
  }
  /** The host that answers a new connection; '' where HAProxy rejects it. */
  const reached = async (haproxy: Haproxy, name: string): Promise<string> => {
    const socket = dial(haproxy, name)
    const received = await new Promise<string>((resolve) =>
      socket.once('data', (chunk) => resolve(String(chunk))).once('close', () => resolve('')),
    )
    socket.destroy()
    return received
  }

  test('agent: no server is up before the agent answers; a dead agent ends new sessions, not open ones', async () => {
    const around = {
      source: fakeSource({hosts: {host1: primary(), host2: standby()}}),
      clock: realClock(),
      log: keptLog(),
    }
    const agent = await startAgent({
      settings: {bind: '127.0.0.1', port: 0},
      ...around,
      fallback: () => 'primary',
      namedOnly: () => {},
      isFrozen: () => false,
    })
    onTestFinished(() => agent[Symbol.asyncDispose]())
    const yaml = `${hosts(await servers())}agent: {port: ${agent.address.split(':')[1]}}\n`
    const haproxy = await started(yaml, 'agent', {'inter 1s fall 7': 'inter 200ms fall 5'})
    await until(
      async () => (await reached(haproxy, 'write')) === 'host1' && (await reached(haproxy, 'read')) === 'host2',
    )
    const session = dial(haproxy, 'write')
    await once(session, 'data')
    await agent[Symbol.asyncDispose]()
    expect(await reached(haproxy, 'write')).toBe('host1')
    await until(async () => (await reached(haproxy, 'write')) === '' && (await reached(haproxy, 'read')) === '')
    expect((await haproxy.states())['pgroute66/serve']).toMatch(/^DOWN/)
    expect(session.destroyed).toBe(false)
  })

  test('push: no client is accepted before a server is started, while two are up, or without serve', async () => {
    const serve = createApi((_, response) => response.end()).listen(0, '127.0.0.1')
    onTestFinished(() => void serve.close())
    await once(serve, 'listening')
    const yaml = `${hosts(await servers())}port: ${(serve.address() as {port: number}).port}\n`
    const haproxy = await started(yaml, 'push', {
      '/run/haproxy/admin.sock user haproxy group haproxy': '{folder}/push.sock',
      'inter 1s fall 7': 'inter 200ms fall 5',
    })
    expect([await reached(haproxy, 'write'), await reached(haproxy, 'read')]).toEqual(['', ''])
    await haproxy.ask('set server pg_write/host2 state ready')
    expect(await reached(haproxy, 'write')).toBe('host2')
    await haproxy.ask('set server pg_write/host1 state ready')
    expect(await reached(haproxy, 'write')).toBe('')
    await haproxy.ask('set server pg_write/host1 state maint')
    const session = dial(haproxy, 'write')
    await once(session, 'data')
    serve.close()
    serve.closeAllConnections()
    await until(async () => (await reached(haproxy, 'write')) === '')
    expect([(await haproxy.states())['pg_write/host2'], session.destroyed]).toEqual(['no check', false])
  })
})
