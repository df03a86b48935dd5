import {type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders} from 'node:http2'
import {onTestFinished} from 'vitest'
import type {Config} from '../../src/config/config.ts'
import {clusterInfoPath} from '../../src/protocol/cluster-info.ts'
import {primary, type SnapshotDraft, standby, unavailable} from '../support/snapshots.ts'
import {started} from './started.ts'

/** As harepd's own client sent it. */
export const recorded = Buffer.from('00000000150a0831302e302e302e3210ffffffffffffffffff01', 'hex')
export const draft: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby(), host3: unavailable(), host4: standby()},
}
export const plain = {bind: '127.0.0.1', port: 0, tls: null}

/** A daemon with the call of harepd. */
export async function daemon(given: SnapshotDraft = draft, config: Partial<Config> = {}) {
  const api = await started(given, {grpc: plain, local: 'host1', ...config})
  onTestFinished(() => api[Symbol.asyncDispose]())
  const address = api.api.addresses.find((one) => one.startsWith('grpc:')) ?? ''
  return {...api, port: Number(new URL(address).port)}
}

export function session(port: number, options: object = {}, scheme = 'http'): ClientHttp2Session {
  const opened = connect(`${scheme}://127.0.0.1:${port}`, options)
  opened.on('error', () => {})
  onTestFinished(() => void opened.destroy())
  return opened
}

export type Answer = Readonly<{headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer}>
const usual = {
  ':method': 'POST',
  ':path': clusterInfoPath,
  'content-type': 'application/grpc',
  te: 'trailers',
  'grpc-timeout': '60S',
}

/** One call. `body`: `null`: the client says nothing more after its headers. */
export async function call(
  opened: ClientHttp2Session,
  body: Buffer | null,
  more: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const stream = opened.request({...usual, ...more})
  const got = {headers: {}, trailers: {}, body: [] as Buffer[]}
  stream.on('response', (headers) => void Object.assign(got, {headers}))
  stream.on('trailers', (trailers) => void Object.assign(got, {trailers}))
  stream.on('data', (chunk: Buffer) => void got.body.push(chunk))
  stream.on('error', () => {})
  if (body !== null) stream.end(body)
  await new Promise((resolve) => stream.once('close', resolve))
  return {...got, body: Buffer.concat(got.body)}
}
