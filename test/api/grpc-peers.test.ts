import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync, renameSync} from 'node:fs'
import {connect as connectTls} from 'node:tls'
import {describe, expect, onTestFinished, test} from 'vitest'
import type {PeerSettings} from '../../src/core/settings.ts'
import {decodeReply, encodeQuestion, framed} from '../../src/protocol/cluster-info.ts'
import {GrpcPeer} from '../../src/sources/peer/grpc-client.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {selfSigned, tlsOf} from './certificates.ts'
import {call, daemon, draft, plain, recorded, session} from './grpc-stage.ts'
import {folder} from './started.ts'

describe('over TLS', () => {
  test('TLS 1.3 with h2 alone, by a certificate that is renewed', async () => {
    using dir = folder()
    const pair = selfSigned(dir.path, 'one')
    const {port} = await daemon(draft, {grpc: {...plain, tls: tlsOf(pair)}})
    const ca = readFileSync(pair.cert)
    const {trailers} = await call(session(port, {ca}, 'https'), recorded)
    expect(trailers).toMatchObject({'grpc-status': '0'})
    const socket = connectTls({port, host: '127.0.0.1', ca, ALPNProtocols: ['h2', 'http/1.1']})
    await once(socket, 'secureConnect')
    expect([socket.getProtocol(), socket.alpnProtocol]).toEqual(['TLSv1.3', 'h2'])
    socket.destroy()
    const old = connectTls({port, host: '127.0.0.1', ca, maxVersion: 'TLSv1.2'})
    await expect(once(old, 'secureConnect')).rejects.toThrow()
    const next = selfSigned(dir.path, 'two')
    for (const file of ['cert', 'key'] as const) renameSync(next[file], pair[file])
    const renewed = readFileSync(pair.cert)
    await until(async () => {
      const answer = await call(session(port, {ca: renewed}, 'https'), recorded)
      return answer.trailers['grpc-status'] === '0'
    })
  })

  test('a peer asks by another name where server_name says so', async () => {
    using dir = folder()
    const pair = selfSigned(dir.path, 'one')
    const {port} = await daemon(draft, {grpc: {...plain, tls: tlsOf(pair)}})
    const ask = (more: Partial<PeerSettings>) => asked(`grpc://127.0.0.1:${port}`, {caFile: pair.cert, ...more})
    expect(await ask({serverName: 'localhost'})).toHaveProperty('word')
    expect(await ask({serverName: 'elsewhere'})).toHaveProperty('trouble')
    expect(await asked(`grpc://127.0.0.1:${port}`, {})).toHaveProperty('trouble')
  })
})

const nothing = {caFile: null, certFile: null, keyFile: null, tokenFile: null, serverName: null}
async function asked(url: string, more: Partial<PeerSettings>, group = 'all') {
  const peer = new GrpcPeer({kind: 'grpc', url, ...nothing, ...more})
  try {
    return await peer.ask(group, AbortSignal.timeout(60_000), 60_000)
  } finally {
    await peer.close()
  }
}

describe('between two pgroute66', () => {
  test('the peer is a full voter: it sends what GET /v1/view has', async () => {
    const {port, ask} = await daemon()
    const heard = await asked(`grpc://127.0.0.1:${port}`, {})
    const view = JSON.parse((await ask('/v1/view')).body)
    expect(heard).toMatchObject({
      word: {
        kind: 'view',
        view: {
          epoch: view.epoch,
          machineId: view.machine_id,
          group: 'all',
          hosts: [
            {name: 'host1', role: 'primary', address: '10.0.0.1', timeline: 3},
            {name: 'host2', role: 'standby'},
            {name: 'host3', role: 'unavailable', cause: 'refused'},
            {name: 'host4', role: 'standby'},
          ],
        },
      },
    })
  })

  test('a group that the peer does not watch is told', async () => {
    const {port} = await daemon()
    expect(await asked(`grpc://127.0.0.1:${port}`, {}, 'orders')).toEqual({
      trouble: 'answers with gRPC status 5: this pgroute66 does not watch that group',
    })
  })
})

const grpcioClient = `
import grpc, sys
channel = grpc.insecure_channel('127.0.0.1:' + sys.argv[1])
call = channel.unary_unary('/models.ClusterInfo/GetClusterInfo')
print(call(bytes.fromhex(sys.argv[2]), timeout=60).hex())
def refused(method, body, **more):
    try: print(channel.unary_unary('/models.ClusterInfo/' + method)(body, timeout=60, **more))
    except grpc.RpcError as error: print(error.code().value[0], error.details())
refused('Other', b'')
refused('GetClusterInfo', b'\\xff')
refused('GetClusterInfo', b'\\x0a' * 100000)
refused('GetClusterInfo', b'\\x0a\\x01a', compression=grpc.Compression.Gzip)
`

test.skipIf(lacks('python3-grpcio'))('a gRPC library of another language understands every answer', async () => {
  const {port} = await daemon()
  const question = Buffer.from(encodeQuestion({ip: '10.0.0.2', nodeId: -1, nodeName: ''})).toString('hex')
  const child = spawn('/usr/bin/python3', ['-c', grpcioClient, String(port), question])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => void out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => void err.push(chunk))
  await once(child, 'close')
  const lines = Buffer.concat(out).toString().trim().split('\n')
  expect(Buffer.concat(err).toString()).toBe('')
  expect(decodeReply(Buffer.from(lines[0] ?? '', 'hex'))).toMatchObject({master: ['10.0.0.1']})
  expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['12', '13', '8', '12'])
  expect(framed(Buffer.from(question, 'hex'))).toEqual(new Uint8Array(recorded))
})
