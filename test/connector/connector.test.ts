import pg from 'pg'
import {describe, expect, onTestFinished, test, vi} from 'vitest'
import {ConnectorError} from '../../src/connector/connector-error.ts'
import {connect} from '../../src/connector/index.ts'
import type {ConnectOptions} from '../../src/connector/types.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type FakeSource, fakeSource} from '../support/fake-source.ts'
import {type HostDraft, primary, standby, unasked} from '../support/snapshots.ts'
import {fakeNetwork} from './fake-pg.ts'
import {connectorStage} from './stage.ts'

/** Real time, fake servers: host1 … host4 at the ports 5432 … 5435. */
function place(drafts: Readonly<Record<string, HostDraft>>, groups?: Readonly<Record<string, readonly string[]>>) {
  const network = fakeNetwork(systemClock, ['host1', 'host2', 'host3', 'host4'])
  for (const server of network.servers.values()) server.latencyMs = 1
  const at = (hosts: Readonly<Record<string, HostDraft>>) => ({
    hosts: Object.fromEntries(
      Object.entries(hosts).map(([name, host]) => [name, {...host, port: network.servers.get(name)?.port ?? 0}]),
    ),
    ...(groups && {groups}),
  })
  return {network, at, source: fakeSource(at(drafts))}
}

async function opened(source: FakeSource, options: ConnectOptions = {}) {
  const connector = await connect({source, ...options})
  onTestFinished(() => connector.close({grace: '1ms'}))
  return connector
}

describe('options', () => {
  const {source} = place({host1: primary()})
  test.each([
    {given: 'no source', options: {}, says: 'connect() is given none of config, daemon and source'},
    {given: 'two sources', options: {source, config: 'a.yml'}, says: 'connect() is given config and source'},
    {given: 'a misspelt option', options: {source, database: {}}, says: 'connect(): "database" is not an option'},
    {
      given: 'a misspelt read option',
      options: {source, databases: {a: {read: {maxlag: '1MB'}}}},
      says: '"maxlag" is not an option',
    },
    {
      given: 'a bare number',
      options: {source, databases: {a: {write: {wait: 5}}}},
      says: 'databases.a.write.wait: 5 is not allowed',
    },
    {
      given: 'a lag without a unit',
      options: {source, databases: {a: {read: {maxLag: '16'}}}},
      says: 'databases.a.read.maxLag: "16"',
    },
    {
      given: 'a choice',
      options: {source, databases: {a: {read: {choose: 'best'}}}},
      says: 'databases.a.read.choose: "best"',
    },
    {given: 'a pool of none', options: {source, databases: {a: {pool: {max: 0}}}}, says: 'databases.a.pool.max: 0'},
    {given: 'no database', options: {source, databases: {}}, says: 'databases is empty'},
    {
      given: 'a group that is not there',
      options: {source, databases: {a: {group: 'b'}}},
      says: 'there is no group "b"',
    },
    {given: 'a daemon that is no URL', options: {daemon: 'ftp://a'}, says: 'daemon is neither a URL nor the path'},
    {given: 'a file that is not there', options: {config: '/nowhere.yml'}, says: '/nowhere.yml does not exist'},
    {given: 'a wrong configuration', options: {config: {hosts: {a: {hots: 'a'}}}}, says: 'hosts.a.hots'},
  ])('$given: refused, with what to do', async ({options, says}) => {
    const error = await connect(options as ConnectOptions).catch((refused) => refused)
    expect(error).toBeInstanceOf(OperatorError)
    expect(error.message).toContain(says)
    expect(error.next).toMatch(/[.?]$/)
  })

  test('the nearest option is suggested', async () => {
    const error = await connect({source, databases: {a: {read: {maxlag: '1MB'}}}} as never).catch((refused) => refused)
    expect(error.next).toBe('Did you mean "maxLag"?')
  })
})

test('several databases, each with its group; an unknown name is refused', async () => {
  const {network, source} = place(
    {host1: primary(), host2: standby(), host3: primary(), host4: standby('host3')},
    {orders: ['host1', 'host2'], stock: ['host3', 'host4']},
  )
  for (const name of ['host1', 'host3']) Object.assign(network.servers.get(name) ?? {}, {isStandby: false})
  await expect(connect({source})).rejects.toThrow('databases.default names no group, and there are several')
  const half = {first_db: {group: 'orders'}, second_db: {group: 'stocks'}}
  await expect(connect({source, databases: half})).rejects.toThrow('there is no group "stocks"')
  expect(source.subscribers).toBe(0)
  const connector = await opened(source, {
    pg: network.module,
    databases: {first_db: {group: 'orders'}, second_db: {group: 'stock'}},
  })
  expect(connector.names).toEqual(['first_db', 'second_db'])
  const hosts = ['first_db', 'second_db'].map((name) => connector.use(name))
  expect(await Promise.all(hosts.map(async (db) => (await db.write('insert', [1])).host))).toEqual(['host1', 'host3'])
  expect(await Promise.all(hosts.map(async (db) => (await db.read('select 1')).host))).toEqual(['host2', 'host4'])
  expect(() => connector.use()).toThrow('there is no database "default"')
})

test('hosts come and go while it runs', async () => {
  const {network, source, at} = place({host1: primary(), host2: standby()})
  const connector = await opened(source, {pg: network.module})
  const db = connector.use()
  expect((await db.read('select 1')).host).toBe('host2')
  expect(db.nodes.map(({name}) => name)).toEqual(['host1', 'host2'])
  source.publish(at({host1: primary(), host4: standby()}))
  expect((await db.read('select 1')).host).toBe('host4')
  expect(db.nodes.map(({name}) => name)).toEqual(['host1', 'host4'])
  // What was counted of a host ends with it; that the application does not want it, does not.
  db.node('host4').online = false
  source.publish(at({host1: primary(), host2: standby()}))
  expect([db.node('host2').queries, (await db.read('select 1')).host]).toEqual([0, 'host2'])
  source.publish(at({host1: primary(), host4: standby()}))
  expect(db.node('host4').online).toBe(false)
  await vi.waitFor(() => expect(network.servers.get('host2')?.clients.size).toBe(0), {timeout: 30_000})
})

test('a host that moves to another address is connected to there', async () => {
  const {network, source, at} = place({host1: primary(), host2: standby()})
  const connector = await opened(source, {pg: network.module})
  await connector.use().read('select 1')
  const moved = at({host1: primary(), host2: standby()})
  source.publish({hosts: {...moved.hosts, host2: {...standby(), port: 5434} as HostDraft}})
  await connector.use().read('select 1')
  expect(network.sent.map(({host}) => host)).toEqual(['host2', 'host3'])
})

test('hosts without a first answer: starting, with their names; the signal ends the wait', async () => {
  const {source} = place({host1: primary(), host2: unasked()})
  await expect(connect({source, patience: '20ms'})).rejects.toMatchObject({
    kind: 'starting',
    message: 'no first answer within 20 ms of: host2',
  })
  await expect(connect({source, patience: '60s', signal: AbortSignal.abort()})).rejects.toMatchObject({kind: 'aborted'})
  const ready = connect({source, patience: '60s'})
  source.publish({hosts: {host1: primary(), host2: standby()}})
  await (await ready).close()
})

test("a shared source stays open, and a reload is its owner's", async () => {
  const {source} = place({host1: primary()})
  let isDisposed = false
  const shared = {
    ...source,
    subscribe: source.subscribe,
    async [Symbol.asyncDispose]() {
      isDisposed = true
    },
  }
  const connector = await connect({source: shared as FakeSource})
  await expect(connector.reload({})).rejects.toThrow('the connector has no configuration of its own')
  await connector.close()
  expect(isDisposed).toBe(false)
})

describe('pools for libraries', () => {
  test('are pg.Pools by class and by name, of the copy of pg that is given', async () => {
    const {db, network} = connectorStage()
    for (const pool of [db.writer, db.reader]) {
      expect(pool).toBeInstanceOf(pg.Pool)
      expect(pool).toBeInstanceOf(network.module.Pool)
      // drizzle-orm looks for the word.
      expect(Object.getPrototypeOf(pool).constructor.name).toContain('Pool')
    }
  })

  test('connect with a promise and with a callback, query, counts and events', async () => {
    const {clock, db, server} = connectorStage()
    const events: string[] = []
    for (const event of ['connect', 'acquire', 'remove'] as const) db.writer.on(event, () => events.push(event))
    const client = await clock.through(db.writer.connect())
    expect([db.writer.totalCount, db.writer.idleCount, db.writer.options.port]).toEqual([1, 0, 5432])
    client.release()
    expect(db.writer.idleCount).toBe(1)
    const answers: unknown[] = []
    db.writer.connect((error, other, done) => {
      answers.push(error, other === client)
      done()
    })
    db.reader.query('select 1', (error: Error, result: unknown) => answers.push(error, (result as {host: string}).host))
    await clock.run(100)
    expect(answers).toEqual([undefined, true, undefined, expect.stringMatching(/host[23]/)])
    await clock.through(db.writer.query('insert', [1]))
    expect(server('host1').executed).toEqual([1])
    expect(events.slice(0, 2)).toEqual(['connect', 'acquire'])
    expect(() => Reflect.construct(db.reader.options.Client as never, [])).toThrow('a reader is not opened')
  })

  test('a reader repeats a query; a cursor is refused, and keeps no client', async () => {
    const {clock, db, server} = connectorStage()
    await clock.through(db.reader.query('select 1'))
    server('host2').kill()
    server('host3').dropOne()
    expect(await clock.through(db.reader.query('select 1'))).toMatchObject({host: 'host3'})
    for (const pool of [db.reader, db.writer])
      await expect(pool.query({submit() {}} as never)).rejects.toThrow('a client from connect()')
    await expect(db.read({submit() {}} as never)).rejects.toThrow('a client from client()')
    expect(db.writer.totalCount).toBe(0)
  })

  test('end ends the pool and not the database; a second end rejects', async () => {
    const {clock, db} = connectorStage()
    await db.writer.end()
    await expect(db.writer.connect()).rejects.toThrow('after calling end')
    await expect(db.writer.query('select 1')).rejects.toThrow('after calling end')
    await expect(db.writer.end()).rejects.toThrow('more than once')
    expect(db.writer.ended).toBe(true)
    expect((await clock.through(db.write('insert', [1]))).host).toBe('host1')
  })
})

describe('transactions', () => {
  test('commit, roll back, and pass on what was thrown', async () => {
    const {clock, db, network} = connectorStage()
    const value = await clock.through(
      db.transaction(
        async (client) => {
          await client.query('insert', [1])
          return 42
        },
        {isolation: 'serializable'},
      ),
    )
    expect(value).toBe(42)
    const thrown = new RangeError('no')
    const failed = db.transaction(async () => {
      throw thrown
    })
    await expect(clock.through(failed)).rejects.toBe(thrown)
    const begin = 'begin isolation level serializable read write'
    expect(network.sent.map(({text}) => text)).toEqual([begin, 'insert', 'commit', 'begin read write', 'rollback'])
    expect(db.node('host1').inFlight).toBe(0)
  })

  test('an error of the connector within rolls back too: the next write is in no transaction', async () => {
    const {clock, db, network} = connectorStage()
    const thrown = new ConnectorError('no-reader', 'no host is offered', {next: 'Wait.'})
    const failed = db.transaction(async (client) => {
      await client.query('insert', [1])
      throw thrown
    })
    await expect(clock.through(failed)).rejects.toBe(thrown)
    expect(network.sent.map(({text}) => text)).toEqual(['begin read write', 'insert', 'rollback'])
  })

  test('read only runs on a reader', async () => {
    const {clock, db, network} = connectorStage()
    await clock.through(db.transaction((client) => client.query('select 1'), {readOnly: true}))
    expect(network.sent.map(({host, text}) => `${host.slice(0, 4)} ${text}`)).toEqual([
      'host begin read only',
      'host select 1',
      'host commit',
    ])
    expect(network.sent.some(({host}) => host === 'host1')).toBe(false)
  })

  test('lost before COMMIT: not done. Lost after it was sent: unknown. Both are never repeated', async () => {
    const {clock, db, server, network} = connectorStage()
    const before = db.transaction(async (client) => {
      await client.query('insert', [1])
      server('host1').dropOne()
      await client.query('insert', [2])
    })
    await expect(clock.through(before)).rejects.toMatchObject({kind: 'no-writer', outcome: 'not-done', host: 'host1'})
    server('host1').script = [null, null, 'FATAL 57P01']
    const after = db.transaction((client) => client.query('insert', [3]))
    await expect(clock.through(after)).rejects.toMatchObject({kind: 'outcome-unknown', code: '08007'})
    expect(network.sent.filter(({text}) => text.startsWith('begin'))).toHaveLength(2)
    expect(db.node('host1').inFlight).toBe(0)
  })

  test('an isolation that there is not is refused before a client is taken', async () => {
    const {db, network} = connectorStage()
    const wrong = db.transaction(async () => {}, {isolation: 'serializable; drop table a' as never})
    await expect(wrong).rejects.toThrow('read committed, repeatable read, serializable')
    expect(network.sent).toEqual([])
  })
})
