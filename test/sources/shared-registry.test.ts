import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {GroupRecord, Instance, SetImage} from '../../src/cluster/record.ts'
import type {EtcdSettings} from '../../src/core/settings.ts'
import {blankMemory} from '../../src/core/verdict/group-memory.ts'
import {readRecord, recordText} from '../../src/sources/shared/codec.ts'
import {EtcdRegistry} from '../../src/sources/shared/etcd-registry.ts'
import {systemClock as clock} from '../../src/system/clock.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'

const instance = (id: string, session = 's1'): Instance => ({
  id,
  session,
  url: `https://${id}:8443`,
  version: '0.1.0',
  configHash: 'c1',
  isLeaving: false,
  routers: ['haproxy 10.0.0.9:9999'],
})

const record = (id: string, session = 's1'): GroupRecord => ({
  owner: {id, session},
  epoch: 7,
  next: null,
  configHash: 'c1',
  memory: {
    groups: {
      orders: {
        ...blankMemory,
        hosts: ['h1', 'h2'],
        wrote: [{timeline: 3, host: 'h1', at: '10.0.0.1:5432', startedAt: 1, lsn: '0/3000148', by: 'h1', lost: null}],
        rivals: ['h1', 'h2'],
      },
    },
    drains: {h2: {since: 5, by: 'alice', reason: 'disks'}},
    maintenance: null,
  },
})

test('a record of a group comes back as it was written; one of a later version is none', () => {
  expect(readRecord(recordText(record('lb1')))).toEqual(record('lb1'))
  expect(readRecord(recordText(record('lb1')).replace('"schema":1', '"schema":2'))).toBeNull()
  expect(readRecord('{}')).toBeNull()
})

describe.skipIf(lacks('etcd'))('the registry of a set in a real etcd', () => {
  let server: Etcd
  let sets = 0
  beforeAll(async () => {
    server = await startEtcd()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const {signal} = new AbortController()
  const etcd = (): EtcdSettings => ({
    endpoints: server.urls,
    caFile: null,
    certFile: null,
    keyFile: null,
    user: null,
    passwordFile: null,
  })
  const registry = (set: string) => new EtcdRegistry({set, etcd: etcd(), clock, random: () => 0.5})
  const newSet = () => {
    sets += 1
    return `set${sets}`
  }
  const until = async (condition: () => boolean) => {
    const end = Date.now() + 60_000
    while (!condition()) {
      if (Date.now() > end) throw new Error('it does not come')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  test('two processes with one id: the second waits until the lease of the first ends', async () => {
    const set = newSet()
    const [one, other] = [registry(set), registry(set)]
    const joined = await one.join(instance('lb1'), 600_000, signal)
    if (joined === 'taken') throw new Error('taken')
    expect(await other.join(instance('lb1', 's2'), 600_000, signal)).toBe('taken')
    expect(await one.keepAlive(joined, signal)).toBe(true)
    await one.leave(joined, signal)
    expect(await one.keepAlive(joined, signal)).toBe(false)
    expect(await other.join(instance('lb1', 's2'), 600_000, signal)).not.toBe('taken')
  })

  test('fenced: what another wrote, and a lease that ended, each stop a commit as a whole', async () => {
    const set = newSet()
    const [one, other] = [registry(set), registry(set)]
    const [first, second] = [
      await one.join(instance('lb1'), 600_000, signal),
      await other.join(instance('lb2'), 600_000, signal),
    ]
    if (first === 'taken' || second === 'taken') throw new Error('taken')
    const write = (id: string, revision: bigint) =>
      [{kind: 'group', name: 'orders', record: record(id), revision}] as const
    const made = await one.commit(first, instance('lb1'), write('lb1', 0n), signal)
    expect(made.succeeded).toBe(true)
    expect((await other.commit(second, instance('lb2'), write('lb2', 0n), signal)).succeeded).toBe(false)
    // The key is made anew by the same id: it is not the key that the first lease made.
    await one.leave(first, signal)
    await one.join(instance('lb1', 's3'), 600_000, signal)
    expect((await one.commit(first, instance('lb1'), write('lb1', made.revision), signal)).succeeded).toBe(false)
    expect((await other.commit(second, instance('lb2'), write('lb2', made.revision), signal)).succeeded).toBe(true)
    expect((await one.read(signal)).groups.get('orders')?.value).toEqual(record('lb2'))
  })

  test('an image follows what is written, deleted, adopted, and what cannot be read', async () => {
    const set = newSet()
    const [one, other] = [registry(set), registry(set)]
    const stop = new AbortController()
    let image: SetImage | null = null
    const following = other.follow(
      {
        seen: (next) => {
          image = next
        },
        lost: () => {},
      },
      stop.signal,
    )
    const seen = () => image as unknown as SetImage
    const joined = await one.join(instance('lb1'), 600_000, signal)
    if (joined === 'taken') throw new Error('taken')
    await until(() => image?.instances.get('lb1') !== undefined)
    expect(seen().instances.get('lb1')).toEqual(instance('lb1'))
    const maintenance = {since: 1, by: 'alice', reason: null, until: null}
    await one.commit(
      joined,
      instance('lb1'),
      [
        {kind: 'group', name: 'orders', record: record('lb1'), revision: 0n},
        {kind: 'instance', instance: {...instance('lb1'), isLeaving: true}},
        {kind: 'adopted', configHash: 'c2', revision: 0n},
        {kind: 'maintenance', value: maintenance, forMs: 3_600_000, revision: 0n},
      ],
      signal,
    )
    await until(() => seen().groups.size === 1)
    expect(seen().groups.get('orders')?.value).toEqual(record('lb1'))
    expect(seen().instances.get('lb1')?.isLeaving).toBe(true)
    expect(seen().adopted.value).toBe('c2')
    expect(seen().maintenance.value).toEqual(maintenance)
    const {revision} = seen().maintenance
    await one.commit(joined, instance('lb1'), [{kind: 'maintenance', value: null, forMs: null, revision}], signal)
    await server.put(`/pgroute66/${set}/groups/orders`, '{"schema": 9}')
    await until(() => seen().groups.get('orders')?.value === 'unreadable')
    expect(seen().maintenance).toEqual({value: null, revision: 0n})
    await one.leave(joined, signal)
    await until(() => seen().instances.size === 0)
    stop.abort()
    await following
  })

  test('a compaction during a watch: everything is read anew, and nothing is missed', async () => {
    const set = newSet()
    const one = registry(set)
    const stop = new AbortController()
    let image: SetImage | null = null
    const following = registry(set).follow(
      {
        seen: (next) => {
          image = next
        },
        lost: () => {},
      },
      stop.signal,
    )
    const joined = await one.join(instance('lb1'), 600_000, signal)
    if (joined === 'taken') throw new Error('taken')
    await until(() => image?.instances.size === 1)
    const {revision} = await one.read(signal)
    await server.post('/v3/kv/compaction', {revision: String(revision), physical: true})
    await one.commit(
      joined,
      instance('lb1'),
      [{kind: 'group', name: 'orders', record: record('lb1'), revision: 0n}],
      signal,
    )
    await until(() => image?.groups.size === 1)
    stop.abort()
    await following
  })
})
