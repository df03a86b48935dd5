import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {Etcd3} from '../../src/etcd/etcd3.ts'
import {Etcd3Writer} from '../../src/etcd/etcd3-writer.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'

describe.skipIf(lacks('etcd'))('writes to a real etcd', () => {
  let server: Etcd
  let etcd: Etcd3
  let writer: Etcd3Writer
  beforeAll(async () => {
    server = await startEtcd()
    etcd = new Etcd3({endpoints: server.urls, clock: systemClock, timeoutMs: 30_000})
    writer = new Etcd3Writer(etcd)
  })
  afterAll(() => server?.[Symbol.asyncDispose]())
  const value = async (key: string) => (await etcd.range(key)).kvs[0]?.value ?? null

  test('a transaction is carried out whole, where every comparison holds', async () => {
    const made = await writer.transact({
      comparisons: [{key: '/t/a', createRevision: 0n}],
      writes: [
        {key: '/t/a', value: 'öne'},
        {key: '/t/b', value: 'two'},
      ],
    })
    expect(made.succeeded).toBe(true)
    const seen = (await etcd.range('/t/a')).kvs[0]
    expect(seen).toMatchObject({value: 'öne', createRevision: made.revision, modRevision: made.revision})
    const late = await writer.transact({
      comparisons: [
        {key: '/t/a', modRevision: made.revision},
        {key: '/t/b', createRevision: 0n},
      ],
      writes: [{key: '/t/a', value: 'three'}],
    })
    expect(late.succeeded).toBe(false)
    expect(await value('/t/a')).toBe('öne')
    const next = await writer.transact({
      comparisons: [{key: '/t/a', modRevision: made.revision}],
      writes: [
        {key: '/t/a', value: 'three'},
        {key: '/t/b', isDeleted: true},
      ],
    })
    expect(next).toMatchObject({succeeded: true, revision: made.revision + 1n})
    expect([await value('/t/a'), await value('/t/b')]).toEqual(['three', null])
  })

  test('sixty keys fit into one transaction, each with its comparison', async () => {
    const keys = Array.from({length: 60}, (_, index) => `/t/many/${index}`)
    const {succeeded} = await writer.transact({
      comparisons: [{key: '/t/fence', createRevision: 0n}, ...keys.map((key) => ({key, modRevision: 0n}))],
      writes: keys.map((key) => ({key, value: 'x'.repeat(1_000)})),
    })
    expect(succeeded).toBe(true)
    expect((await etcd.range('/t/many/', {isPrefix: true})).kvs.length).toBe(60)
  })

  test('a lease is kept, and its keys end with it', async () => {
    const lease = await writer.grant(600)
    await writer.transact({
      comparisons: [{key: '/t/leased', createRevision: 0n}],
      writes: [{key: '/t/leased', value: 'mine', lease}],
    })
    expect((await etcd.range('/t/leased')).kvs[0]?.lease).toBe(lease)
    expect(await writer.keepAlive(lease)).toBe(600)
    await writer.revoke(lease)
    expect(await writer.keepAlive(lease)).toBe(0)
    expect(await value('/t/leased')).toBeNull()
  })

  test('the size of the store, and the metrics that tell its quota', async () => {
    const {bytes, usedBytes, revision, alarms} = await writer.size()
    expect(bytes).toBeGreaterThan(usedBytes - 1)
    expect(revision).toBeGreaterThan(1n)
    expect(alarms).toEqual([])
    expect(await writer.metrics()).toContain('etcd_server_quota_backend_bytes')
  })
})
