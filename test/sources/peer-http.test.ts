import {execFileSync} from 'node:child_process'
import {closeSync, constants, openSync, writeFileSync} from 'node:fs'
import {createServer, type RequestListener} from 'node:http'
import {type AddressInfo, createServer as createTcpServer, type Server} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import type {PeerSettings} from '../../src/core/settings.ts'
import {GrpcPeer} from '../../src/sources/peer/grpc-client.ts'
import {HttpPeer} from '../../src/sources/peer/http-client.ts'
import {selfSigned, tlsOf} from '../api/certificates.ts'
import {folder, started} from '../api/started.ts'
import {primary, standby} from '../support/snapshots.ts'

const draft = {hosts: {host1: primary(), host2: standby()}, groups: {orders: ['host1', 'host2']}}
const peer = (url: string, more: Partial<PeerSettings> = {}): PeerSettings => ({
  kind: 'pgroute66',
  url,
  caFile: null,
  certFile: null,
  keyFile: null,
  tokenFile: null,
  serverName: null,
  ...more,
})

/** Asks once, on a client that the end of the test closes. A machine that is busy for long decides nothing. */
async function asked(settings: PeerSettings, group = 'orders', limitMs = 60_000) {
  const client = new HttpPeer(settings)
  onTestFinished(() => client.close())
  return client.ask(group, AbortSignal.timeout(limitMs))
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const answering = (listener: RequestListener) => {
  const server = createServer(listener)
  onTestFinished(() => server.closeAllConnections())
  return listening(server)
}

test('another daemon tells its view, over one kept connection', async () => {
  await using api = await started(draft)
  const client = new HttpPeer(peer(api.url))
  for (let times = 0; times < 3; times += 1)
    expect(await client.ask('orders', AbortSignal.timeout(60_000))).toMatchObject({
      word: {
        kind: 'view',
        view: {group: 'orders', epoch: '9f2c41', hosts: [{name: 'host1', role: 'primary'}, {role: 'standby'}]},
      },
    })
  expect(await client.ask('payments', AbortSignal.timeout(60_000))).toEqual({
    trouble: 'watches no group payments',
  })
  await client.close()
})

test('over HTTPS, whose certificate must be signed by the authority of ca_file, for the name asked for', async () => {
  using dir = folder()
  const [pair, stranger] = [selfSigned(dir.path, 'lb2'), selfSigned(dir.path, 'stranger')]
  const ca = pair.cert
  await using api = await started(draft, {ssl: tlsOf(pair)})
  expect(await asked(peer(api.url, {caFile: ca}))).toHaveProperty('word')
  expect(await asked(peer(api.url, {caFile: stranger.cert}))).toEqual({
    trouble: expect.stringContaining('cannot be asked'),
  })
  expect(await asked(peer(api.url))).toEqual({trouble: expect.stringContaining('cannot be asked')})
  expect(await asked(peer(api.url, {caFile: ca, serverName: 'elsewhere'}))).toEqual({
    trouble: 'cannot be asked (ERR_TLS_CERT_ALTNAME_INVALID)',
  })
  const missing = dir.at('missing')
  expect(await asked(peer(api.url, {caFile: missing}))).toEqual({
    trouble: `cannot be asked: ${missing} cannot be read (ENOENT)`,
  })
})

test('a file that is a pipe without a writer is told, and keeps no question waiting', async () => {
  using dir = folder()
  const pipe = dir.at('pipe')
  execFileSync('mkfifo', [pipe])
  // A file that is read for ever also keeps the process from ending: a writer frees it.
  const free = () => closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK))
  using _writer = {[Symbol.dispose]: free}
  const trouble = `cannot be asked: ${pipe} cannot be read (not a plain file)`
  expect(await asked(peer('http://127.0.0.1:9', {tokenFile: pipe}))).toEqual({trouble})
  const harepd = new GrpcPeer(peer('grpc://127.0.0.1:9', {kind: 'grpc', caFile: pipe}))
  expect(await harepd.ask('orders', AbortSignal.timeout(60_000), 60_000)).toEqual({trouble})
})

test('the token is read from its file for each connection', async () => {
  using dir = folder()
  const tokens: (string | undefined)[] = []
  const url = await answering(({headers}, response) => {
    tokens.push(headers.authorization)
    response.writeHead(401).end()
  })
  const tokenFile = dir.at('token')
  const client = new HttpPeer(peer(url, {tokenFile}))
  for (const token of ['first', 'second']) {
    writeFileSync(tokenFile, `${token}\n`)
    expect(await client.ask('orders', AbortSignal.timeout(60_000))).toEqual({
      trouble: 'refuses this daemon (401): see token_file and cert_file',
    })
  }
  expect(tokens).toEqual(['Bearer first', 'Bearer second'])
  await client.close()
})

const view = {schema: 1, epoch: 'e', machine_id: null, group: 'orders', hosts: {}}
test.each<[string, RequestListener, RegExp]>([
  [
    'an earlier version',
    (_, response) => void response.writeHead(404).end('{"code":"NOT_FOUND"}'),
    /knows no \/v1\/view/,
  ],
  ['a daemon in trouble', (_, response) => void response.writeHead(500).end(), /answers 500/],
  [
    'a redirection',
    (_, response) => void response.writeHead(302, {location: 'http://127.0.0.1/'}).end(),
    /answers 302/,
  ],
  ['something else', (_, response) => void response.end('<html>'), /something else than JSON/],
  ['a daemon that watches nothing', (_, response) => void response.end(JSON.stringify(view)), /watches no host/],
  [
    'a view of another group',
    (_, response) =>
      void response.end(
        JSON.stringify({
          ...view,
          group: 'x',
          hosts: {
            a: {
              address: 'a',
              port: 1,
              system_identifier: null,
              role: 'standby',
              cause: null,
              timeline: 1,
              asked_ms_ago: 1,
            },
          },
        }),
      ),
    /the group "x"/,
  ],
  [
    'an answer without end',
    (_, response) =>
      void setImmediate(function more() {
        if (response.destroyed) return
        response.write('x'.repeat(65_536), () => setImmediate(more))
      }),
    /cannot be asked/,
  ],
  [
    'an answer that breaks off',
    (_, response) => void response.write('{"sch', () => response.destroy()),
    /cannot be asked/,
  ],
])('what is no view is told, and ends nothing: %s', async (_, listener, trouble) => {
  expect(await asked(peer(await answering(listener)))).toEqual({trouble: expect.stringMatching(trouble)})
})

test('a peer that refuses, and one that is frozen', async () => {
  const closed = createTcpServer()
  const url = await listening(closed)
  await new Promise((resolve) => closed.close(resolve))
  expect(await asked(peer(url))).toEqual({trouble: 'refuses connections'})

  const frozen = createTcpServer((socket) => void socket.on('error', () => {}))
  expect(await asked(peer(await listening(frozen)), 'orders', 50)).toEqual({trouble: 'did not answer in time'})
})

test('after a failure the next question opens a new connection', async () => {
  await using api = await started(draft)
  let isBroken = true
  const target = new URL(api.url)
  const url = await answering((request, response) => {
    if (isBroken) return void response.destroy()
    void fetch(new URL(request.url ?? '', target)).then(async (answer) => response.end(await answer.text()))
  })
  const client = new HttpPeer(peer(url))
  expect(await client.ask('orders', AbortSignal.timeout(60_000))).toHaveProperty('trouble')
  isBroken = false
  expect(await client.ask('orders', AbortSignal.timeout(60_000))).toHaveProperty('word')
  await client.close()
})
