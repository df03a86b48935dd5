import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer as createHttpServer} from 'node:http'
import {createSecureServer, createServer, type ServerHttp2Stream} from 'node:http2'
import {type AddressInfo, createServer as createTcpServer, type Server, type Socket} from 'node:net'
import {createInterface} from 'node:readline'
import {describe, expect, onTestFinished, test} from 'vitest'
import type {PeerSettings} from '../../src/core/settings.ts'
import {clusterInfoPath, decodeQuestion, encodeReply, framed, unframed} from '../../src/protocol/cluster-info.ts'
import type {PeerClient} from '../../src/sources/peer/client.ts'
import {GrpcPeer} from '../../src/sources/peer/grpc-client.ts'
import {PrimgrPeer} from '../../src/sources/peer/primgr-client.ts'
import {selfSigned} from '../api/certificates.ts'
import {folder} from '../api/started.ts'
import {lacks} from '../support/parts.ts'
import {seededRandom} from '../support/seeded-random.ts'

const reply = {ip: '10.0.0.1', nodeId: 1, nodeName: 'node_1', witness: '', slaves: ['10.0.0.2'], master: ['10.0.0.1']}
const good = Buffer.from(framed(encodeReply(reply)))
const settings = (url: string, more: Partial<PeerSettings> = {}): PeerSettings => ({
  kind: 'grpc',
  url,
  caFile: null,
  certFile: null,
  keyFile: null,
  tokenFile: null,
  serverName: null,
  ...more,
})

/** Limits are so long that a busy machine does not reach them, but where silence is the point. */
const asked = (client: PeerClient, ms = 60_000) => client.ask('all', AbortSignal.timeout(ms), ms)
function clientOf<T extends PeerClient>(client: T): T {
  onTestFinished(() => client.close())
  return client
}

async function portOf(server: Server, sessions: ReadonlySet<{destroy(): void}> = new Set()): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A server as harepd is: what it was asked, and what it answers. */
async function harepd(answer: (stream: ServerHttp2Stream, body: Buffer) => void, tls?: {cert: string; key: string}) {
  const server = tls ? createSecureServer({cert: readFileSync(tls.cert), key: readFileSync(tls.key)}) : createServer()
  const sessions = new Set<{destroy(): void}>()
  const questions: {headers: object; body: Buffer}[] = []
  server.on('session', (session) => void sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream, headers: object) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
    stream.on('end', () => {
      questions.push({headers, body: Buffer.concat(chunks)})
      answer(stream, Buffer.concat(chunks))
    })
  })
  return {port: await portOf(server, sessions), questions, sessions}
}

const headers = {':status': 200, 'content-type': 'application/grpc'}
function answers(stream: ServerHttp2Stream, body: Buffer, trailers: Record<string, string> = {'grpc-status': '0'}) {
  stream.respond(headers, {waitForTrailers: true})
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

function breaksOff(stream: ServerHttp2Stream) {
  stream.respond(headers)
  stream.destroy()
}

describe('harepd', () => {
  test('is asked as by its own client, over one kept connection', async () => {
    const server = await harepd((stream) => answers(stream, good))
    const client = clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${server.port}`)))
    for (let times = 0; times < 3; times += 1)
      expect(await asked(client)).toEqual({
        word: {kind: 'metadata', masters: ['10.0.0.1'], slaves: ['10.0.0.2'], named: 'by address'},
      })
    expect([server.questions.length, server.sessions.size]).toEqual([3, 1])
    const [question] = server.questions
    expect(question?.headers).toMatchObject({
      ':method': 'POST',
      ':path': clusterInfoPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '60000m',
    })
    expect(decodeQuestion(unframed(question?.body ?? Buffer.alloc(0)))).toEqual({
      ip: '127.0.0.1',
      nodeId: -1,
      nodeName: '',
    })
  })

  test('over TLS, by the authority of ca_file, and by another name where server_name says so', async () => {
    using dir = folder()
    const [pair, stranger] = [selfSigned(dir.path, 'harepd'), selfSigned(dir.path, 'stranger')]
    const server = await harepd((stream) => answers(stream, good), pair)
    const ask = (more: Partial<PeerSettings>) =>
      asked(clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${server.port}`, more))))
    expect(await ask({caFile: pair.cert})).toHaveProperty('word')
    expect(await ask({caFile: pair.cert, serverName: 'localhost'})).toHaveProperty('word')
    expect(await ask({caFile: pair.cert, serverName: 'elsewhere'})).toHaveProperty('trouble')
    expect(await ask({caFile: stranger.cert})).toHaveProperty('trouble')
  })

  test.each<[string, (stream: ServerHttp2Stream) => void, RegExp]>([
    [
      'a status without a body: harepd where no witness is active',
      (stream) =>
        stream.respond(
          {...headers, 'grpc-status': '2', 'grpc-message': 'sql: no rows in result set%0A%1B[31m'},
          {endStream: true},
        ),
      /^answers with gRPC status 2: sql: no rows in result set\?\?\[31m$/,
    ],
    ['a status after a body', (stream) => answers(stream, good, {'grpc-status': '13'}), /gRPC status 13$/],
    ['a status that is no number', (stream) => answers(stream, good, {'grpc-status': 'x'}), /status unknown/],
    ['an answer without a status', (stream) => answers(stream, good, {}), /broke off/],
    ['a compressed answer', (stream) => answers(stream, Buffer.from('0100000000', 'hex')), /compressed/],
    ['an answer of two messages', (stream) => answers(stream, Buffer.concat([good, good])), /not one message/],
    ['an answer without end', (stream) => answers(stream, Buffer.alloc(1 << 21)), /more than 1048576 bytes/],
    ['another server', (stream) => stream.respond({':status': 404}, {endStream: true}), /no gRPC \(HTTP status 404\)/],
    ['an answer that breaks off', breaksOff, /broke off|cannot be/],
    ['a connection that breaks off', (stream) => stream.session?.destroy(), /./],
  ])('%s is told, and ends nothing', async (_, answer, trouble) => {
    let isBroken = true
    const server = await harepd((stream) => (isBroken ? answer(stream) : answers(stream, good)))
    const client = clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${server.port}`)))
    expect(await asked(client)).toEqual({trouble: expect.stringMatching(trouble)})
    isBroken = false
    expect(await asked(client)).toHaveProperty('word')
  })

  test('300 damaged answers are each understood or told', async () => {
    const random = seededRandom(7)
    const server = await harepd((stream) => {
      const damaged = Buffer.from(good)
      for (let hits = 0; hits < 4; hits += 1)
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256)
      answers(stream, damaged)
    })
    const client = clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${server.port}`)))
    let told = 0
    for (let count = 0; count < 300; count += 1) if ('trouble' in (await asked(client))) told += 1
    expect(told).toBeGreaterThan(100)
    expect(server.questions.length).toBe(300)
  })

  test('what is no HTTP/2, and what says nothing at all', async () => {
    const silent = createTcpServer((socket: Socket) => void socket.on('error', () => {}))
    expect(await asked(clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${await portOf(silent)}`))), 50)).toEqual({
      trouble: 'did not answer in time',
    })
    const noisy = createTcpServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    expect(await asked(clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${await portOf(noisy)}`))))).toHaveProperty(
      'trouble',
    )
    expect(await asked(clientOf(new GrpcPeer(settings('grpc://127.0.0.1:1'))))).toEqual({
      trouble: 'refuses connections',
    })
  })

  test('a server that hangs after the question is left at the limit, and asked anew', async () => {
    let isFrozen = true
    const server = await harepd((stream) => (isFrozen ? undefined : answers(stream, good)))
    const client = clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${server.port}`)))
    const both = [asked(client, 100), asked(client, 100)]
    expect(await Promise.all(both)).toEqual([{trouble: 'did not answer in time'}, {trouble: 'did not answer in time'}])
    expect(server.questions.length).toBeLessThanOrEqual(1)
    isFrozen = false
    expect(await asked(client)).toHaveProperty('word')
  })

  test.skipIf(lacks('python3-grpcio'))('is understood by a gRPC library of another language', async () => {
    const child = spawn('/usr/bin/python3', ['-c', grpcioServer, Buffer.from(encodeReply(reply)).toString('hex')])
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)
    const [port] = await once(lines, 'line')
    const client = clientOf(new GrpcPeer(settings(`grpc://127.0.0.1:${port}`)))
    expect(await asked(client)).toEqual({
      word: {kind: 'metadata', masters: ['10.0.0.1'], slaves: ['10.0.0.2'], named: 'by address'},
    })
    expect(await asked(client)).toEqual({trouble: 'answers with gRPC status 2: sql: no rows in result set'})
    expect(await asked(client)).toHaveProperty('word')
  })
})

/** grpcio without generated code: each second call fails as harepd does where no witness is active. */
const grpcioServer = `
import sys, grpc
from concurrent.futures import ThreadPoolExecutor
calls = 0
def answer(request, context):
    global calls
    calls += 1
    if not request.startswith(b'\\n\\x09127.0.0.1'): context.abort(grpc.StatusCode.INVALID_ARGUMENT, repr(request))
    if calls == 2: context.abort(grpc.StatusCode.UNKNOWN, 'sql: no rows in result set')
    return bytes.fromhex(sys.argv[1])
server = grpc.server(ThreadPoolExecutor(2))
handler = grpc.unary_unary_rpc_method_handler(answer)
service = grpc.method_handlers_generic_handler('models.ClusterInfo', {'GetClusterInfo': handler})
server.add_generic_rpc_handlers((service,))
port = server.add_insecure_port('127.0.0.1:0')
server.start()
print(port, flush=True)
server.wait_for_termination()
`

describe('primgr', () => {
  test.each<[string, number, string, object]>([
    [
      'names its primary',
      200,
      '{"Primary": "node-1"}',
      {word: {kind: 'metadata', masters: ['node-1'], slaves: [], named: 'by name'}},
    ],
    ['without a primary', 503, '{"State": "Down"}', {trouble: 'knows no primary, or its database is down'}],
    ['in trouble', 500, '', {trouble: 'answers 500'}],
    [
      'with a name that is none',
      200,
      '{"Primary": null}',
      {trouble: 'does not answer as a peer: it sent no name of a primary'},
    ],
    ['that is something else', 200, '<html>', {trouble: 'does not answer as a peer: it sent something else than JSON'}],
  ])('%s', async (_, status, body, heard) => {
    const server = createHttpServer((request, response) => {
      response.writeHead(request.url === '/primary' ? status : 404).end(body)
    })
    const url = `primgr://127.0.0.1:${await portOf(server)}`
    expect(await asked(clientOf(new PrimgrPeer(settings(url, {kind: 'primgr'}))))).toEqual(heard)
  })
})
