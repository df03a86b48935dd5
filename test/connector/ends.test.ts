import pg from 'pg'
import {describe, expect, test} from 'vitest'
import {RoutedConnector} from '../../src/connector/connector.ts'
import type {PoolListener} from '../../src/connector/pools/pool-set.ts'
import {routedPool} from '../../src/connector/pools/routed-pool.ts'
import {drained, primary, standby, unavailable} from '../support/snapshots.ts'
import {connectorStage, watch} from './stage.ts'

const splitBrain = {host1: primary(), host2: primary()}

describe('drain, abort and close', () => {
  test('a drained host gets nothing new, finishes what runs, and closes its connections', async () => {
    const {clock, db, server, publish} = connectorStage()
    const work = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(12)
    publish({host1: primary(), host2: standby('host1', {drained})})
    await clock.run(100)
    expect(work.map(({state}) => state)).toEqual(Array(4).fill('done'))
    expect(server('host2').clients.size).toBe(0)
    const later = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(100)
    expect(later.map(({host}) => host)).toEqual(Array(4).fill('host3'))
  })

  test('online = false takes a host out of use in this process, and true puts it back', async () => {
    const {clock, db} = connectorStage({read: {fallback: 'none', wait: '1s'}})
    db.node('host2').online = false
    const hosts = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(100)
    expect(hosts.map(({host}) => host)).toEqual(Array(4).fill('host3'))
    db.node({host: '10.0.0.3', port: 5434}).online = false
    const waiting = watch(db.read('select 1'))
    await clock.run(500)
    expect(waiting.state).toBe('pending')
    db.node('host2').online = true
    await clock.run(100)
    expect(waiting.host).toBe('host2')
    db.node('host1').online = false
    await expect(clock.through(db.write('insert', [1], {wait: '1s'}))).rejects.toMatchObject({kind: 'no-writer'})
  })

  test('a node that the application holds serves a host that was removed and added again', async () => {
    const {clock, db, source, publish} = connectorStage({read: {fallback: 'none'}})
    const held = db.node('host2')
    for (let index = 0; index < 4; index += 1) await clock.through(db.read('select 1'))
    expect(held.queries).toBeGreaterThan(0)
    source.publish({hosts: {host1: primary()}})
    expect(db.nodes.map(({name}) => name)).toEqual(['host1'])
    publish({host1: primary()})
    expect([db.node('host2') === held, held.queries]).toEqual([true, 0])
    held.online = false
    const hosts = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(100)
    expect(hosts.map(({host}) => host)).toEqual(Array(4).fill('host3'))
  })

  test('drain() waits for what runs, and cuts what runs after its grace', async () => {
    const {clock, db, server} = connectorStage()
    const [read] = [db.read('select 1', [], {from: 'host2'})]
    await clock.run(12)
    await clock.through(db.node('host2').drain('1s'))
    await read
    db.node('host2').online = true
    server('host2').latencyMs = 60_000
    const slow = watch(db.read('select 1', [], {from: 'host3'}))
    server('host3').latencyMs = 60_000
    await clock.run(20)
    await clock.through(db.node('host3').drain('1s'))
    await clock.run(6_000)
    expect(slow.state).toBe('failed')
  })

  test('an abort: before a byte nothing was done; after one, unknown', async () => {
    const {clock, db, publish} = connectorStage()
    await clock.through(db.write('insert', [0]))
    const sent = new AbortController()
    const during = watch(db.write('insert', [1], {signal: sent.signal}))
    const read = watch(db.read('select 1', [], {signal: sent.signal}))
    await clock.run(2)
    sent.abort(new Error('enough'))
    await clock.run(0)
    expect(during.error).toMatchObject({kind: 'aborted', code: '08007', outcome: 'unknown'})
    expect(read.error).toMatchObject({kind: 'aborted', outcome: 'not-done'})
    publish(splitBrain)
    const waiting = new AbortController()
    const before = watch(db.write('insert', [2], {signal: waiting.signal}))
    await clock.run(10)
    waiting.abort()
    await clock.run(0)
    expect(before.error).toMatchObject({kind: 'aborted', outcome: 'not-done'})
    const never = watch(db.write('insert', [3], {signal: AbortSignal.abort()}))
    await clock.run(0)
    expect(never.error?.kind).toBe('aborted')
  })

  test('an abort ends a read after a token, while its host is asked how far it is', async () => {
    const {clock, db, server} = connectorStage()
    for (const name of ['host2', 'host3']) server(name).freeze()
    const enough = new AbortController()
    const read = watch(db.read('select 1', [], {after: '1.0.3.1', signal: enough.signal}))
    const client = watch(db.client('read', {after: '1.0.3.1', signal: enough.signal}).then(() => ({host: ''})))
    for (const name of ['host2', 'host3']) server(name).isFrozen = false
    await clock.run(12)
    for (const name of ['host2', 'host3']) server(name).freeze()
    await clock.run(100)
    expect([read.state, client.state]).toEqual(['pending', 'pending'])
    enough.abort()
    await clock.run(10)
    expect([read.error?.kind, client.error?.kind]).toEqual(['aborted', 'aborted'])
    expect(db.nodes.map(({inFlight, suspect}) => [inFlight, suspect])).toEqual(Array(3).fill([0, null]))
  })

  test('close: what waits is refused, what runs may finish, and no client is left', async () => {
    const {clock, db, connector, server, publish} = connectorStage()
    await clock.through(db.write('insert', [0]))
    const running = watch(db.write('insert', [1]))
    const held = await clock.through(db.client('read'))
    await clock.run(1)
    publish({host1: primary({drained})})
    const waiting = watch(db.write('insert', [2]))
    const closing = connector.close({grace: '1s'})
    await clock.run(100)
    expect([running.state, waiting.error?.kind]).toEqual(['done', 'closed'])
    await expect(db.read('select 1')).rejects.toMatchObject({kind: 'closed', code: '08003'})
    expect(() => connector.use()).toThrow('the connector is closed')
    await clock.run(1_000)
    // Cut after the grace, whether the application releases it or not.
    await clock.through(closing)
    await expect(held.query('select 1')).rejects.toThrow()
    held.release()
    expect(['host1', 'host2', 'host3'].map((name) => server(name).clients.size)).toEqual([0, 0, 0])
    expect(connector.close()).toBe(closing)
  })

  test('a host is switched off, or the connector closed, while an idle client is on its way', async () => {
    const {clock, db, connector} = connectorStage({read: {fallback: 'none'}})
    for (let index = 0; index < 4; index += 1) await clock.through(db.read('select 1'))
    const moved = watch(db.read('select 1', [], {from: 'host2'}))
    const free = [...Array(2)].map(() => watch(db.read('select 1')))
    db.node('host2').online = false
    await clock.run(100)
    expect(free.map(({host}) => host)).toEqual(['host3', 'host3'])
    expect(moved.state).toBe('pending')
    db.node('host2').online = true
    await clock.run(100)
    expect(moved.host).toBe('host2')
    const late = [...Array(3)].map(() => watch(db.read('select 1')))
    const closing = connector.close({grace: '1s'})
    await clock.through(closing)
    expect(late.map(({error}) => error?.kind)).toEqual(['closed', 'closed', 'closed'])
  })

  test('errors of idle clients end nothing, and the next read takes another connection', async () => {
    const {clock, db, server} = connectorStage()
    const held = await clock.through(db.client('read'))
    await clock.through(db.read('select 1'))
    for (const name of ['host2', 'host3']) for (const client of [...server(name).clients]) client.lose(new Error('cut'))
    await clock.run(10)
    expect((await clock.through(db.read('select 1'))).host).toMatch(/host[23]/)
    await expect(held.query('select 1')).rejects.toThrow('not queryable')
    held.release()
  })
})

test('a pool that has ended hears of no client', async () => {
  const base = {kind: 'read', query: null, options: () => ({}), listeners: new Set<PoolListener>()} as const
  const counts = () => ({total: 0, idle: 0, waiting: 0, expired: 0})
  const pool = routedPool(pg, {...base, counts, client: () => Promise.reject(new Error('none'))})
  expect(base.listeners.size).toBe(1)
  await pool.end()
  expect(base.listeners.size).toBe(0)
})

test('a reload may change who serves reads when no standby may', async () => {
  const {clock, network, source, publish} = connectorStage()
  publish({host1: primary(), host2: unavailable(), host3: unavailable()})
  let fallback: 'primary' | 'none' = 'none'
  const reload = async () => {
    fallback = 'primary'
  }
  const opened = {source, isOwn: false, fallback: () => fallback, reload}
  const databases = {as_the_group: {read: {wait: 0}}, own: {read: {wait: 0, fallback: 'none'}}} as const
  const connector = new RoutedConnector({databases}, {opened, pg: network.module, clock, random: Math.random})
  const read = (name: string) => clock.through(connector.use(name).read('select 1'))
  for (const name of connector.names) await expect(read(name)).rejects.toMatchObject({kind: 'no-reader'})
  await connector.reload({})
  expect((await read('as_the_group')).host).toBe('host1')
  await expect(read('own')).rejects.toMatchObject({kind: 'no-reader'})
  await clock.through(connector.close({grace: '1ms'}))
})
