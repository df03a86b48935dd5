import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer, type ServerHttp2Stream} from 'node:http2'
import {createRequire} from 'node:module'
import type {AddressInfo} from 'node:net'
import {describe, expect, onTestFinished, test} from 'vitest'
import {clusterInfoPath} from '../../src/protocol/cluster-info.ts'
import {GrpcPeer} from '../../src/sources/peer/grpc-client.ts'
import {grpcTools, lacksTools} from '../support/parts.ts'
import {selfSigned, tlsOf} from './certificates.ts'
import {daemon, draft, plain, recorded} from './grpc-stage.ts'
import {folder} from './started.ts'

/** The messages of harepd, as its .proto has them. */
const proto = `syntax = "proto3";
package models;
message WhatYouKnow { string ip = 1; int32 nodeId = 2; string nodeName = 3; }
message IKnow {
  string ip = 1; int32 nodeId = 2; string nodeName = 3; string witness = 4;
  repeated string slaves = 5; repeated string master = 6;
}`
const question = {ip: '10.0.0.2', nodeId: -1}

/** What is used of @grpc/grpc-js and of protobufjs, which comes with it. */
type Message = Readonly<{
  encode(value: object): {finish(): Uint8Array}
  decode(bytes: Uint8Array): object
  toObject(value: object, options: object): object
}>
type Failed = Error & Readonly<{code: number; details: string}>
type Client = Readonly<{
  makeUnaryRequest(
    path: string,
    write: (value: object) => Buffer,
    read: (bytes: Buffer) => object,
    value: object,
    options: object,
    done: (error: Failed | null, reply: object) => void,
  ): void
  close(): void
}>
type Server = Readonly<{
  addService(definition: object, handlers: object): void
  bindAsync(address: string, credentials: object, done: (error: Error | null, port: number) => void): void
  forceShutdown(): void
}>
type Library = Readonly<{
  Client: new (address: string, credentials: object, options?: object) => Client
  Server: new () => Server
  credentials: {createInsecure(): object; createSsl(ca: Buffer): object}
  ServerCredentials: {createInsecure(): object}
}>

function library() {
  const load = createRequire(`${grpcTools.folder}package.json`)
  const {root} = load('protobufjs').parse(proto, {keepCase: true})
  const message = (name: string) => root.lookupType(`models.${name}`) as Message
  const [asks, knows] = [message('WhatYouKnow'), message('IKnow')]
  const bytes = (type: Message) => (value: object) => Buffer.from(type.encode(value).finish())
  const object = (type: Message) => (sent: Buffer) => type.toObject(type.decode(sent), {defaults: true})
  const grpc = load('@grpc/grpc-js') as Library
  const method = {
    requestSerialize: bytes(asks),
    requestDeserialize: object(asks),
    responseSerialize: bytes(knows),
    responseDeserialize: object(knows),
  }
  return {grpc, method}
}

/** One call; the status where it fails. */
function ask(client: Client, {path = clusterInfoPath, value = question as object, deadlineMs = 60_000} = {}) {
  const {method} = library()
  onTestFinished(() => client.close())
  return new Promise<object>((resolve) => {
    const options = {deadline: Date.now() + deadlineMs}
    client.makeUnaryRequest(path, method.requestSerialize, method.responseDeserialize, value, options, (error, reply) =>
      resolve(error === null ? reply : {code: error.code, details: error.details}),
    )
  })
}

describe.skipIf(lacksTools(grpcTools))('@grpc/grpc-js', () => {
  test('understands the reply, and the status of a call that is refused', async () => {
    const {port} = await daemon()
    const {grpc} = library()
    const client = () => new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
    expect(await ask(client())).toEqual({
      ip: '127.0.0.1',
      nodeId: -1,
      nodeName: 'host1',
      witness: '',
      slaves: ['10.0.0.2', '10.0.0.4'],
      master: ['10.0.0.1'],
    })
    expect(await ask(client(), {path: '/models.ClusterInfo/Other'})).toMatchObject({code: 12})
    const long = {ip: 'x'.repeat(100_000)}
    expect(await ask(client(), {value: long})).toMatchObject({code: 8, details: expect.stringContaining('65536')})
  })

  test('reaches a daemon over TLS, by another name where it is told one', async () => {
    using dir = folder()
    const pair = selfSigned(dir.path, 'one')
    const {port} = await daemon(draft, {grpc: {...plain, tls: tlsOf(pair)}})
    const {grpc} = library()
    const named = (name: string) =>
      new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(readFileSync(pair.cert)), {
        'grpc.ssl_target_name_override': name,
      })
    expect(await ask(named('localhost'))).toMatchObject({master: ['10.0.0.1']})
    expect(await ask(named('elsewhere'), {deadlineMs: 5_000})).toHaveProperty('code')
  })

  test('sends the bytes that were recorded of harepd, and our question is read by its server', async () => {
    const {grpc, method} = library()
    const body: Buffer[] = []
    const raw = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void raw.close())
    await once(raw, 'listening')
    raw.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('data', (chunk: Buffer) => void body.push(chunk))
      stream.on('end', () => stream.respond({':status': 200, 'grpc-status': '12'}, {endStream: true}))
    })
    const {port} = raw.address() as AddressInfo
    await ask(new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure()))
    expect(Buffer.concat(body)).toEqual(recorded)

    const asked: object[] = []
    const reply = {...question, nodeName: 'node_1', witness: '10.0.0.9', slaves: ['10.0.0.2'], master: ['10.0.0.1']}
    const server = new grpc.Server()
    onTestFinished(() => server.forceShutdown())
    const definition = {path: clusterInfoPath, requestStream: false, responseStream: false, ...method}
    server.addService(
      {GetClusterInfo: definition},
      {
        GetClusterInfo({request}: {request: object}, done: (error: null, value: object) => void) {
          asked.push(request)
          done(null, reply)
        },
      },
    )
    const bound = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure()
      server.bindAsync('127.0.0.1:0', credentials, (error, at) => (error ? reject(error) : resolve(at)))
    })
    const bare = {caFile: null, certFile: null, keyFile: null, tokenFile: null, serverName: null}
    const peer = new GrpcPeer({kind: 'grpc', url: `grpc://127.0.0.1:${bound}`, ...bare})
    onTestFinished(() => peer.close())
    expect(await peer.ask('all', AbortSignal.timeout(60_000), 60_000)).toEqual({
      word: {kind: 'metadata', masters: ['10.0.0.1'], slaves: ['10.0.0.2'], named: 'by address'},
    })
    expect(asked).toEqual([{ip: '127.0.0.1', nodeId: -1, nodeName: ''}])
  })
})
