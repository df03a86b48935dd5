import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process'
import {once} from 'node:events'
import {copyFileSync, existsSync, statSync, writeFileSync} from 'node:fs'
import type {IncomingMessage} from 'node:http'
import {Agent, request} from 'node:https'
import {connect, createServer} from 'node:net'
import {connect as connectTls, type TLSSocket} from 'node:tls'
import {expect, test, vi} from 'vitest'
import {authorise} from '../../src/api/authorisation.ts'
import type {Context} from '../../src/api/context.ts'
import {inheritedListeners} from '../../src/api/listen/socket-activation.ts'
import {ownerOfToken} from '../../src/api/tokens.ts'
import {groupId} from '../../src/system/unix-socket.ts'
import {keptLog} from '../support/fake-source.ts'
import {primary, standby} from '../support/snapshots.ts'
import {selfSigned} from './certificates.ts'
import {ask, folder, plainConfig, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}
const tlsOf = ({cert, key}: {cert: string; key: string}) => ({cert: {file: cert}, key: {file: key}, clientCa: null})
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('a token sent over the network without TLS is refused before it is compared', async () => {
  using dir = folder()
  writeFileSync(dir.at('tokens'), 'anna right-is-right-0\n', {mode: 0o600})
  const asked = (remoteAddress: string | undefined) =>
    authorise(
      {headers: {authorization: 'Bearer right-is-right-0'}, socket: {remoteAddress}} as unknown as IncomingMessage,
      {config: {tokensFile: dir.at('tokens'), ssl: null}, log: keptLog()} as unknown as Context,
    )
  for (const near of ['127.0.0.1', '::1', '::ffff:127.0.0.1', undefined])
    expect(await asked(near)).toEqual({by: 'anna'})
  for (const far of ['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1']) expect(await asked(far)).toMatchObject({status: 403})
})

test('tokens_file: a malformed line is no token; the log has its number, never its text', async () => {
  using dir = folder()
  const real = '0123456789abcdef0123'
  writeFileSync(dir.at('tokens'), `anna \nbob ${real} # until 2027\neve ${real}eve\n`, {mode: 0o600})
  const log = keptLog()
  const owner = (token: string) => ownerOfToken(token, dir.at('tokens'), log)
  expect(await Promise.all(['anna', '2027', real, `${real}eve`].map(owner))).toEqual([null, null, null, 'eve'])
  expect(log.lines[0]?.message).toMatch(/line 1, 2: not "TOKEN" or "NAME TOKEN"/)
  expect(JSON.stringify(log.lines)).not.toContain(real)
})

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

test('HTTPS: new connections get a renewed certificate, open ones keep the old one', async () => {
  using dir = folder()
  const [first, second] = [selfSigned(dir.path, 'first'), selfSigned(dir.path, 'second')]
  const pair = {cert: dir.at('cert.pem'), key: dir.at('cert.key')}
  copyFileSync(first.cert, pair.cert)
  copyFileSync(first.key, pair.key)
  await using api = await started(draft, {ssl: tlsOf(pair)})
  expect(api.url).toMatch(/^https:/)
  const agent = new Agent({keepAlive: true, maxSockets: 1, rejectUnauthorized: false})
  const nameNow = (how: object) =>
    new Promise<string>((resolve, reject) => {
      const asked = request(`${api.url}/v1/primary`, {...how}, (response) => {
        // Of the connection, which an agent may take back as soon as the answer is read.
        const {CN} = (response.socket as TLSSocket).getPeerCertificate().subject
        response.on('end', () => resolve(String(CN))).resume()
      })
      asked.on('error', reject).end()
    })
  expect(await nameNow({agent})).toBe('first')
  // The files are replaced one by one: until both match, the old certificate stays.
  copyFileSync(second.cert, pair.cert)
  await vi.waitFor(
    () => expect(api.log.lines.some(({message}) => /cannot be used; the old one stays/.test(message))).toBe(true),
    {
      timeout: 30_000,
    },
  )
  expect(await nameNow({agent: false, rejectUnauthorized: false})).toBe('first')
  copyFileSync(second.key, pair.key)
  await vi.waitFor(async () => expect(await nameNow({agent: false, rejectUnauthorized: false})).toBe('second'), {
    timeout: 30_000,
  })
  expect(await nameNow({agent})).toBe('first')
  agent.destroy()
})

test('TLS port: old TLS versions and clear text are disconnected', async () => {
  using dir = folder()
  await using api = await started(draft, {ssl: tlsOf(selfSigned(dir.path, 'server'))})
  const port = Number(new URL(api.url).port)
  const old = connectTls({
    port,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL@SECLEVEL=0',
    rejectUnauthorized: false,
  })
  await expect(once(old, 'secureConnect')).rejects.toThrow()
  const plain = connect(port, '127.0.0.1')
  plain.on('error', () => {})
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await once(plain, 'close')
  expect((await api.ask('/v1/primary', {rejectUnauthorized: false})).status).toBe(200)
})

test('drain, resume and maintenance: valid orders are carried out, invalid ones refused', async () => {
  using dir = folder()
  await using api = await started(draft, {controlSocket: dir.at('c.sock')})
  const order = async (path: string, body: object) => {
    const sent = JSON.stringify(body)
    const headers = {'content-type': 'application/json', 'content-length': String(sent.length)}
    const {status, body: heard} = await ask(dir.at('c.sock'), path, {method: 'POST', headers, body: sent})
    return [status, JSON.parse(heard)]
  }
  expect(await order('/v1/hosts/host1/drain', {reason: 'disk'})).toEqual([
    200,
    {host: 'host1', done: 'host1 is drained'},
  ])
  expect(await order('/v1/hosts/host1/resume', {})).toMatchObject([200, {host: 'host1'}])
  expect(await order('/v1/hosts/host9/drain', {})).toMatchObject([404, {code: 'UNKNOWN_HOST'}])
  expect(await order('/v1/maintenance', {on: true, for: '2h', reason: 'racks'})).toMatchObject([
    200,
    {maintenance: true, done: 'done'},
  ])
  expect(await order('/v1/maintenance', {on: false})).toMatchObject([200, {maintenance: false, until: null}])
  for (const bad of [
    {},
    {on: 'yes'},
    {on: true, for: 7},
    {on: true, for: '7'},
    {on: true, for: '-1h'},
    {on: true, for: '0s'},
  ])
    expect(await order('/v1/maintenance', bad), JSON.stringify(bad)).toMatchObject([400, {}])
  expect(api.accepted).toMatchObject([
    {drain: 'host1', reason: 'disk'},
    {resume: 'host1'},
    {isOn: true, untilMs: expect.any(Number), reason: 'racks'},
    {isOn: false, untilMs: null},
  ])
  expect((await api.ask('/v1/maintenance', {method: 'POST'})).status).toBe(401)
})

test('accept: only by the control socket, a token or a client certificate', async () => {
  using dir = folder()
  const [server, client, stranger] = ['server', 'alice', 'mallory'].map((name) => selfSigned(dir.path, name)) as [
    Pair,
    Pair,
    Pair,
  ]
  writeFileSync(dir.at('tokens'), '# tokens\n\nbob s3cret-of-bob-00\nplain-token-0000\n')
  await using api = await started(draft, {
    ssl: {...tlsOf(server), clientCa: {file: client.cert}},
    socket: dir.at('s.sock'),
    controlSocket: dir.at('c.sock'),
    tokensFile: dir.at('tokens'),
  })
  const path = '/v1/hosts/host1/accept'
  const body = JSON.stringify({reason: 'seen it'})
  const json = {'content-type': 'application/json', 'content-length': String(body.length)}
  const post = (where: string, headers: object, how: object = {}, sent = body) =>
    ask(where, path, {method: 'POST', headers: {...headers}, rejectUnauthorized: false, body: sent, ...how})
  const {readFileSync} = await import('node:fs')
  const withCertificate = ({cert, key}: Pair) => ({cert: readFileSync(cert), key: readFileSync(key)})

  expect(await post(dir.at('c.sock'), json)).toMatchObject({
    status: 200,
    body: '{"host":"host1","done":"host1 is the primary"}',
  })
  expect(await post(dir.at('c.sock'), {'content-length': '0'}, {}, '')).toMatchObject({status: 200})
  const named = JSON.stringify({reason: null, by: 'root'})
  expect(await post(dir.at('c.sock'), {...json, 'content-length': named.length}, {}, named)).toMatchObject({
    status: 200,
  })
  expect(await post(api.url, {...json, authorization: 'Bearer s3cret-of-bob-00'})).toMatchObject({status: 200})
  expect(await post(dir.at('s.sock'), {...json, authorization: 'bearer plain-token-0000'})).toMatchObject({status: 200})
  expect(await post(api.url, json, withCertificate(client))).toMatchObject({status: 200})
  expect(await post(api.url, {...json, 'content-length': '0'}, withCertificate(client), '')).toMatchObject({
    status: 200,
  })
  expect(api.accepted).toEqual([
    {host: 'host1', by: 'control socket', reason: 'seen it'},
    {host: 'host1', by: 'control socket', reason: null},
    {host: 'host1', by: 'root', reason: null},
    {host: 'host1', by: 'bob', reason: 'seen it'},
    {host: 'host1', by: 'token', reason: 'seen it'},
    {host: 'host1', by: 'alice', reason: 'seen it'},
    {host: 'host1', by: 'alice', reason: null},
  ])

  const late = JSON.stringify({reason: null, before: '2020-01-01T00:00:00.000Z'})
  const tooLate = await post(dir.at('c.sock'), {...json, 'content-length': late.length}, {}, late)
  expect([tooLate.status, JSON.parse(tooLate.body).code]).toEqual([409, 'TOO_LATE'])
  expect(api.accepted).toHaveLength(7)

  const refused = [
    await post(api.url, json),
    await post(dir.at('s.sock'), json),
    await post(api.url, {...json, authorization: 'Bearer s3cret-of-bo'}),
    await post(api.url, {...json, authorization: 'Bearer bob'}),
    await post(api.url, {...json, authorization: 'Basic s3cret-of-bob-00'}),
    await post(api.url, {...json, authorization: 'Bearer '}),
    await post(api.url, json, withCertificate(stranger)),
  ]
  expect(refused.map(({status}) => status)).toEqual(refused.map(() => 401))
  expect(refused[0]?.headers['www-authenticate']).toContain('Bearer')
  expect(await post(api.url, {'content-length': '0'}, withCertificate(client), '')).toMatchObject({status: 415})
  expect(await post(dir.at('c.sock'), {'content-type': 'text/plain', 'content-length': '1'}, {}, 'x')).toMatchObject({
    status: 415,
  })
  for (const bad of ['{', '[]', '{"reason": 7}', `{"reason": "${'x'.repeat(501)}"}`])
    expect(await post(dir.at('c.sock'), {...json, 'content-length': bad.length}, {}, bad), bad).toMatchObject({
      status: 400,
    })
  expect(api.accepted).toHaveLength(7)
  // A GET needs no authorisation.
  expect((await api.ask('/v1/primary', {rejectUnauthorized: false, ...withCertificate(stranger)})).status).toBe(200)
})
type Pair = Readonly<{cert: string; key: string}>

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
  const api = await started(draft, {}, {announceMs: 300})
  const kept = connect(Number(new URL(api.url).port), '127.0.0.1')
  await once(kept, 'connect')
  const stopped = api[Symbol.asyncDispose]()
  const ready = await api.ask('/readyz')
  expect(ready).toMatchObject({status: 503, body: '{"ready":false,"state":"stopping"}', headers: {connection: 'close'}})
  expect(await api.ask('/v1/primary')).toMatchObject({status: 200, body: '["host1"]'})
  await stopped
  await expect(api.ask('/livez')).rejects.toThrow()
  kept.destroy()
  await api[Symbol.asyncDispose]()
})

test('stop: a client with half a request is cut after graceMs, before its own time limit', async () => {
  const api = await started(draft)
  const half = connect(Number(new URL(api.url).port), '127.0.0.1')
  half.on('error', () => {})
  half.write('GET /v1/primary HTTP/1.1\r\nHost:')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = performance.now()
  await api[Symbol.asyncDispose]()
  // The client is cut after graceMs (2 s); without that the time limit of 15 s would decide.
  expect(performance.now() - before).toBeLessThan(12_000)
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
