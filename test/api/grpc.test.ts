import {once} from 'node:events'
import type {OutgoingHttpHeaders} from 'node:http2'
import {connect as connectTcp} from 'node:net'
import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {describe, expect, test} from 'vitest'
import {decodeReply, unframed} from '../../src/protocol/cluster-info.ts'
import {until} from '../support/cluster.ts'
import {seededRandom} from '../support/seeded-random.ts'
import {primary, standby, unasked} from '../support/snapshots.ts'
import {call, daemon, draft, plain, recorded, session} from './grpc-stage.ts'
import {started} from './started.ts'

describe('the call of harepd', () => {
  test('the recorded question gets the hosts by address, with the trailers of gRPC, and no more', async () => {
    const {port} = await daemon()
    const {headers, trailers, body} = await call(session(port), recorded)
    expect(headers).toMatchObject({':status': 200, 'content-type': 'application/grpc'})
    expect(headers).not.toHaveProperty('pgroute66-view')
    expect(trailers).toEqual(expect.objectContaining({'grpc-status': '0'}))
    expect(decodeReply(unframed(body))).toEqual({
      ip: '127.0.0.1',
      nodeId: -1,
      nodeName: 'host1',
      witness: '',
      slaves: ['10.0.0.2', '10.0.0.4'],
      master: ['10.0.0.1'],
    })
    // Not one byte beside the six fields of harepd.
    expect(body.toString('latin1')).not.toContain('schema')
  })

  test('host names are told as the IPv4 that PostgreSQL is reached at, and IPv6 as it is', async () => {
    const {port} = await daemon({
      hosts: {
        host1: primary({address: 'db1.example', addresses: ['db1.example', '10.1.0.1']}),
        host2: standby('host1', {address: 'fd00::2', addresses: ['fd00::2']}),
      },
    })
    const {body} = await call(session(port), recorded)
    expect(decodeReply(unframed(body))).toMatchObject({master: ['10.1.0.1'], slaves: ['fd00::2']})
  })

  test.each<[string, Buffer | null, OutgoingHttpHeaders, number, RegExp]>([
    ['another method', recorded, {':path': '/models.ClusterInfo/Other'}, 12, /method is unknown/],
    ['a compressed message', Buffer.from('0100000000', 'hex'), {}, 12, /compressed/],
    ['a message that says it is compressed', recorded, {'grpc-encoding': 'gzip'}, 12, /compressed/],
    ['no message', Buffer.alloc(0), {}, 13, /cut off/],
    ['two messages', Buffer.concat([recorded, recorded]), {}, 13, /not one message/],
    ['a message that is none', Buffer.from('0000000001ff', 'hex'), {}, 13, /cut off/],
    ['a question without end', Buffer.alloc(1 << 20), {}, 8, /more than 65536 bytes/],
    ['a malformed limit', recorded, {'grpc-timeout': '1x'}, 13, /grpc-timeout/],
    ['a question that does not arrive', null, {'grpc-timeout': '1m'}, 4, /in time/],
    ['a group that does not exist', recorded, {'pgroute66-group': 'orders'}, 5, /does not watch/],
  ])('%s: a status in trailers alone', async (_, body, more, status, message) => {
    const {port} = await daemon()
    const opened = session(port)
    const answer = await call(opened, body, more)
    expect(answer.headers).toMatchObject({':status': 200, 'grpc-status': String(status)})
    expect(String(answer.headers['grpc-message'])).toMatch(message)
    expect(answer.body).toHaveLength(0)
    // The connection serves the next call.
    expect((await call(opened, recorded)).trailers).toMatchObject({'grpc-status': '0'})
  })

  test.each([
    ['another verb', {':method': 'PUT'}, 405],
    ['another content', {'content-type': 'application/json'}, 415],
    ['gRPC for browsers', {'content-type': 'application/grpc-web'}, 415],
  ])('%s: a status of HTTP', async (_, more, status) => {
    const {port} = await daemon()
    expect((await call(session(port), recorded, more)).headers).toMatchObject({':status': status})
  })

  test('before every host was asked there is no answer: an empty list would say that there is no master', async () => {
    const {port} = await daemon({hosts: {host1: unasked(), host2: standby()}})
    const {headers} = await call(session(port), recorded)
    expect(headers['grpc-status']).toBe('14')
  })

  test('of several groups one must be named', async () => {
    const {port} = await daemon({
      hosts: {host1: primary(), host2: primary()},
      groups: {orders: ['host1'], payments: ['host2']},
    })
    const opened = session(port)
    expect((await call(opened, recorded)).headers['grpc-status']).toBe('9')
    const {body} = await call(opened, recorded, {'pgroute66-group': 'payments'})
    expect(decodeReply(unframed(body)).master).toEqual(['10.0.0.2'])
  })

  test('300 damaged questions, and 100 damaged connections, end nothing and leave nothing', {
    timeout: 120_000,
  }, async () => {
    const {port, log} = await daemon()
    const random = seededRandom(11)
    const opened = session(port)
    const statuses = new Set<string>()
    for (let count = 0; count < 300; count += 1) {
      const damaged = Buffer.from(recorded)
      for (let hits = 0; hits < 1 + random() * 4; hits += 1)
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256)
      const {headers, trailers} = await call(opened, damaged.subarray(0, 1 + Math.floor(random() * damaged.length)))
      statuses.add(String(headers['grpc-status'] ?? trailers['grpc-status']))
    }
    expect(
      [...statuses].every((status) => ['0', '8', '12', '13'].includes(status)),
      [...statuses].join(),
    ).toBe(true)
    expect(statuses.size).toBeGreaterThan(1)
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    for (let count = 0; count < 100; count += 1) {
      const noise = Buffer.from(Array.from({length: 64}, () => Math.floor(random() * 256)))
      const socket = connectTcp(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(count % 2 === 0 ? noise : Buffer.concat([preface, noise]))
      socket.end()
      socket.resume()
      await once(socket, 'close')
    }
    expect((await call(session(port), recorded)).trailers).toMatchObject({'grpc-status': '0'})
    expect(log.lines.filter(({level}) => level === 'error')).toEqual([])
  })

  test('thousands of calls leave no memory behind', {timeout: 120_000}, async () => {
    const {port} = await daemon()
    const round = async () => {
      const opened = session(port)
      for (let count = 0; count < 250; count += 1) await call(opened, count % 5 === 0 ? Buffer.alloc(70_000) : recorded)
      await new Promise<void>((resolve) => opened.close(resolve))
    }
    await round()
    await round()
    const before = heapAfterGc()
    for (let rounds = 0; rounds < 6; rounds += 1) await round()
    // 1,500 calls; a kilobyte that stays of each would be 1.5 megabytes.
    expect(heapAfterGc() - before).toBeLessThan(1_000_000)
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function heapAfterGc(): number {
  for (let times = 0; times < 4; times += 1) collect()
  return process.memoryUsage().heapUsed
}

test('a port in use is told with its key', async () => {
  const {port} = await daemon()
  await expect(started(draft, {grpc: {...plain, port}})).rejects.toMatchObject({
    code: 'LISTEN',
    message: `grpc cannot listen on 127.0.0.1:${port}: another process listens there`,
    next: 'Stop it (it may be harepd itself), or set another grpc.port.',
  })
})

test('a stop ends kept connections', async () => {
  const {port, api} = await daemon()
  const opened = session(port)
  await call(opened, recorded)
  await api[Symbol.asyncDispose]()
  await until(() => opened.closed)
  const late = connectTcp(port, '127.0.0.1')
  await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED')
})
