import {channel, tracingChannel} from 'node:diagnostics_channel'
import {setTimeout as sleep} from 'node:timers/promises'
import type pg from 'pg'
import {expect, onTestFinished, test} from 'vitest'
import {connect} from '../../src/connector/index.ts'
import type {Database} from '../../src/connector/types.ts'
import {type Cluster, testCluster, until} from '../support/cluster.ts'
import {primary, standby, unavailable} from '../support/snapshots.ts'
import {configOf} from './callers.ts'
import {connectorStage, watch} from './stage.ts'

async function opened(): Promise<{site: Cluster; db: Database}> {
  const site = await testCluster()
  await site.node('host1').sql('create table words (word text); grant all on words to pgroute66')
  const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
  const databases = {default: {connection, read: {wait: '60s'}, write: {wait: '60s'}}}
  const connector = await connect({config: configOf(site), databases, patience: '60s'})
  onTestFinished(() => connector.close({grace: '1s'}))
  const db = connector.use()
  await until(() => ['host2', 'host3'].every((name) => db.node(name).lagBytes !== null), 60_000)
  return {site, db}
}

const whoAmI = "select inet_server_port() as port, current_setting('transaction_read_only') as read_only"

test('driver and listen follow a failover on real servers', async () => {
  const {site, db} = await opened()
  const {Client, Pool} = db.driver
  const [host1, host2, host3] = ['host1', 'host2', 'host3'].map((name) => site.node(name))
  const ports = [host2?.port, host3?.port]

  // As TypeORM does: a pool of the module, for each host of its configuration.
  const [slaves, master] = [new Pool({host: 'reader'}), new Pool({host: 'writer', user: 'another'})]
  expect((await slaves.query(whoAmI)).rows[0]).toMatchObject({port: expect.toSatisfy((port) => ports.includes(port))})
  expect((await master.query(whoAmI)).rows[0]).toEqual({port: host1?.port, read_only: 'off'})

  // As Sequelize and Knex do: clients of the module, which they keep.
  const writer = new Client({host: 'writer'})
  const reader = await new Client({host: 'reader'}).connect()
  await new Promise<void>((resolve, reject) =>
    writer.connect((error: Error | null) => (error ? reject(error) : resolve())),
  )
  expect((await writer.query(whoAmI)).rows[0]).toEqual({port: host1?.port, read_only: 'off'})
  expect((await reader.query(whoAmI)).rows[0]).toMatchObject({read_only: 'on'})
  expect(() => new Client({host: 'localhost'})).toThrow('"writer" or "reader", and not "localhost"')
  expect(() => new Client('postgres://a:secret@b/c')).toThrow(/^[^b]*"writer" or "reader"$/)

  const heard: string[] = []
  let gaps = 0
  await using _listening = await db.listen('News', (payload) => heard.push(payload), {onGap: () => (gaps += 1)})
  await db.write(`notify "News", 'one'`)
  await until(() => heard.length === 1, 60_000)

  host1?.hang()
  await until(() => db.verdict.routedTo === null, 60_000)
  await host2?.promote()
  await host3?.follow(host2 as never)
  await until(() => gaps === 1, 60_000)
  await db.write(`notify "News", 'two'`)
  await until(() => heard.length === 2, 60_000)
  expect(heard).toEqual(['one', 'two'])
  // The session that a library kept is on a host that is replaced: it was cut.
  await expect(writer.query('insert into words values (1)')).rejects.toThrow()
  await using next = Object.assign(new Client({host: 'writer'}), {[Symbol.asyncDispose]: () => next.end()})
  await next.connect()
  expect((await next.query(whoAmI)).rows[0]).toEqual({port: host2?.port, read_only: 'off'})
  expect((await master.query(whoAmI)).rows[0]).toEqual({port: host2?.port, read_only: 'off'})
  await reader.end()
  await Promise.all([slaves.end(), master.end()])
  host1?.thaw()
})

test('a client that a library keeps sends nothing to a host that is no longer routed to', async () => {
  const {clock, db, publish, network} = connectorStage()
  const client = new db.driver.Client({host: 'writer'})
  await clock.through(client.connect())
  await clock.through(client.query('insert', [1]))
  publish({host1: primary(), host2: primary()})
  await expect(clock.through(client.query('insert', [2]))).rejects.toThrow()
  expect(network.sent.map(({id}) => id)).toEqual([1])
})

test('a library that connects while there is no writer waits for one', async () => {
  const {clock, db, publish, server} = connectorStage()
  publish({host1: unavailable()})
  const client = new db.driver.Client({})
  const connected = watch(
    client.connect().then(() => ({host: (client as pg.Client).port === 5433 ? 'host2' : 'other'})),
  )
  await clock.run(1_000)
  expect(connected.state).toBe('pending')
  server('host2').promote()
  publish({host1: unavailable(), host2: primary(), host3: standby('host2')})
  await clock.run(1_000)
  expect(connected.host).toBe('host2')
  await client.end()
})

test('tracing: each statement with its host and attempts, without values and rows; and each switch', async () => {
  const {clock, db, server, publish} = connectorStage()
  const told: unknown[] = []
  const handlers = {
    asyncEnd: (context: object) => void told.push({...context}),
    error: ({error}: {error?: unknown}) => void told.push((error as {code?: string}).code),
  }
  const queries = tracingChannel('pgroute66:query')
  queries.subscribe(handlers as never)
  const switched = (message: unknown) => told.push((message as {to: string}).to)
  channel('pgroute66:switch').subscribe(switched)
  onTestFinished(() => {
    queries.unsubscribe(handlers as never)
    channel('pgroute66:switch').unsubscribe(switched)
  })
  await clock.through(db.write('insert', ['secret']))
  await sleep(0)
  expect(told).toEqual([{database: 'default', kind: 'write', host: 'host1', attempts: 1, result: undefined}])
  server('host1').script = ['23505']
  await expect(clock.through(db.write('insert', ['secret']))).rejects.toMatchObject({code: '23505'})
  await sleep(0)
  expect(told[1]).toBe('23505')
  publish({host1: unavailable(), host2: primary(), host3: standby('host2')})
  expect(told.at(-1)).toBe('host2')
})

test('a notification whose listener throws, and one of another channel', async () => {
  const {clock, db, server, network} = connectorStage()
  const heard: string[] = []
  const listening = await clock.through(
    db.listen('news', (payload) => {
      heard.push(payload)
      throw new Error('a bug of the application')
    }),
  )
  expect(network.sent.at(-1)?.text).toBe('listen "news"')
  const [client] = server('host1').clients
  for (const [name, payload] of [
    ['news', 'one'],
    ['other', 'two'],
    ['news', undefined],
  ])
    client?.emit('notification', {channel: name, payload})
  expect(heard).toEqual(['one', ''])
  await clock.through(Promise.resolve(listening[Symbol.asyncDispose]()))
  await clock.run(1_000)
  expect(server('host1').clients.size).toBe(0)
})
