import {once} from 'node:events'
import {copyFileSync} from 'node:fs'
import {connect, createServer} from 'node:net'
import {connect as connectTls} from 'node:tls'
import {describe, expect, onTestFinished, test, vi} from 'vitest'
import type {Config} from '../../src/config/config.ts'
import {primary, standby} from '../support/snapshots.ts'
import {selfSigned, tlsOf} from './certificates.ts'
import {localPatroni, localPrimgr} from './local-stage.ts'
import {ask, folder, plainConfig, type Started, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}
const both: Partial<Config> = {local: 'host1', localApi: {host: 'host1', patroni: localPatroni, primgr: localPrimgr}}

async function withBoth(config: Partial<Config> = both) {
  const api = await started(draft, config)
  onTestFinished(() => api[Symbol.asyncDispose]())
  return api
}

const portOf = (url: string | undefined) => Number(new URL(url ?? '').port)
const portsOf = ({api}: Started) => ({patroni: portOf(api.addresses[1]), primgr: portOf(api.addresses[2])})

/** Everything that the server sends before it closes the connection. */
async function exchange(port: number, request: string): Promise<string> {
  const client = connect(port, '127.0.0.1', () => client.write(request))
  const received: Buffer[] = []
  client.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => {})
  await once(client, 'close')
  return Buffer.concat(received).toString()
}

describe('the listeners of local_api', () => {
  test('HTTP/1.0 without Host, as HAProxy sends it: the answer, then the end of the connection', async () => {
    const {patroni, primgr} = portsOf(await withBoth())
    const options = await exchange(patroni, 'OPTIONS /primary HTTP/1.0\r\n\r\n')
    expect(options).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(options).toMatch(/\r\nConnection: close\r\n/i)
    // The status alone, as Patroni.
    expect(options).toMatch(/\r\n\r\n$/)
    const state = await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')
    expect(state).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(state).toMatch(/\r\n\r\n{"State":"Primary"}$/)
  })

  test('HTTP/1.1 without Host is answered too; a kept connection is closed all the same', async () => {
    const {patroni} = portsOf(await withBoth())
    expect(await exchange(patroni, 'GET /replica HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    const kept = await exchange(patroni, 'HEAD /primary HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n')
    expect(kept).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(kept).toMatch(/\r\nConnection: close\r\n/i)
  })

  test('a split brain is 509 on the wire', async () => {
    const api = await withBoth()
    api.source.set({hosts: {host1: primary(), host2: primary()}})
    const {patroni, primgr} = portsOf(api)
    expect(await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 509 .*\r\n.*{"State":"Unknown"}$/s,
    )
    expect(await exchange(patroni, 'OPTIONS / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 /)
  })

  test('an order is refused with its body unread', async () => {
    const {patroni} = portsOf(await withBoth())
    const refused = await exchange(
      patroni,
      'POST /switchover HTTP/1.0\r\nContent-Length: 999999\r\nContent-Type: application/json\r\n\r\n{"leader"',
    )
    expect(refused).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\npgroute66 does not manage Patroni$/s)
  })

  test('each port has its own paths alone', async () => {
    const api = await withBoth()
    const [url = '', patroni = '', primgr = ''] = api.api.addresses
    const statuses = async (path: string) =>
      (await Promise.all([url, patroni, primgr].map((base) => ask(base, path)))).map(({status}) => status)
    expect(await statuses('/v1/primary')).toEqual([200, 200, 404])
    expect(await statuses('/state')).toEqual([404, 503, 200])
    expect(await statuses('/liveness')).toEqual([404, 200, 404])
  })

  test('what is not HTTP, and headers without end', async () => {
    const {patroni, primgr} = portsOf(await withBoth())
    expect(await exchange(patroni, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await exchange(primgr, `GET /state HTTP/1.0\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
    expect(await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')).toContain('Primary')
  })

  test('TLS for patroni, plain HTTP for primgr, and a certificate of its own', async () => {
    using dir = folder()
    const patroni = {...localPatroni, ssl: tlsOf(selfSigned(dir.path, 'local'))}
    const api = await withBoth({...both, localApi: {host: 'host1', patroni, primgr: localPrimgr}})
    const [url = '', secure = '', plain = ''] = api.api.addresses
    expect([url, secure, plain].map((base) => new URL(base).protocol)).toEqual(['http:', 'https:', 'http:'])
    expect((await ask(secure, '/primary', {rejectUnauthorized: false})).status).toBe(200)
    expect((await ask(plain, '/state')).body).toBe('{"State":"Primary"}')
    expect(JSON.parse((await ask(secure, '/cluster', {rejectUnauthorized: false})).body).members[0].api_url).toBe(
      'https://10.0.0.1:0/patroni',
    )
  })
})

test('a renewed certificate of local_api is taken, and the one of the API stays', async () => {
  using dir = folder()
  const [main, first, second] = ['main', 'first', 'second'].map((name) => selfSigned(dir.path, name))
  if (!main || !first || !second) throw new Error('there are three certificates')
  const pair = {cert: dir.at('local.pem'), key: dir.at('local.key')}
  const put = (from: {cert: string; key: string}) => {
    copyFileSync(from.key, pair.key)
    copyFileSync(from.cert, pair.cert)
  }
  put(first)
  const patroni = {...localPatroni, ssl: tlsOf(pair)}
  const api = await withBoth({...both, ssl: tlsOf(main), localApi: {host: 'host1', patroni, primgr: null}})
  const shown = async (url: string | undefined) => {
    const socket = connectTls({port: portOf(url), host: '127.0.0.1', rejectUnauthorized: false})
    await once(socket, 'secureConnect')
    const {CN} = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  const [url, local] = api.api.addresses
  expect([await shown(url), await shown(local)]).toEqual(['main', 'first'])
  put(second)
  await vi.waitFor(async () => expect(await shown(local)).toBe('second'), {timeout: 30_000})
  expect(await shown(url)).toBe('main')
  // A reload of the same files reads them again, and mixes up nothing.
  await api.api.reload({...plainConfig, ...both, ssl: tlsOf(main), localApi: {host: 'host1', patroni, primgr: null}})
  expect([await shown(url), await shown(local)]).toEqual(['main', 'second'])
})

describe('a reload of local_api', () => {
  test('opens, changes and closes its ports; the other listeners keep their connections', async () => {
    const api = await withBoth({})
    const kept = connect(portOf(api.url), '127.0.0.1')
    await once(kept, 'connect')
    await api.api.reload({...plainConfig, ...both})
    const {patroni, primgr} = portsOf(api)
    expect(await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')).toContain('"Primary"')
    // Another host and another version need no other port.
    const next = {host: 'host2', patroni: {...localPatroni, localVersion: '3.3.0'}, primgr: localPrimgr}
    await api.api.reload({...plainConfig, local: 'host2', localApi: next})
    expect(portsOf(api)).toEqual({patroni, primgr})
    expect(await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')).toContain('"Standby"')
    expect(await exchange(patroni, 'GET / HTTP/1.0\r\n\r\n')).toContain('"version": "3.3.0"')
    await api.api.reload({...plainConfig, local: 'host2', localApi: {...next, patroni: null}})
    expect(await exchange(primgr, 'GET /state HTTP/1.0\r\n\r\n')).toContain('"Standby"')
    await expect(ask(`http://127.0.0.1:${patroni}`, '/')).rejects.toThrow()
    kept.write('GET /v1/primary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(String((await once(kept, 'data'))[0])).toContain('200 OK')
  })

  test('a port in use changes nothing, and the error names its key', async () => {
    const api = await withBoth()
    const busy = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void busy.close())
    await once(busy, 'listening')
    const {port} = busy.address() as {port: number}
    const localApi = {host: 'host1', patroni: {...localPatroni, port}, primgr: localPrimgr}
    await expect(api.api.reload({...plainConfig, local: 'host1', localApi})).rejects.toMatchObject({
      code: 'LISTEN',
      message: `local_api.patroni cannot listen on 127.0.0.1:${port}: another process listens there`,
      next: 'Stop it (it may be patroni itself), or set another local_api.patroni.port.',
    })
    expect(await exchange(portsOf(api).patroni, 'GET /primary HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })
})
