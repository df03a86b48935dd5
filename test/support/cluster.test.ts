import {readFileSync} from 'node:fs'
import pg from 'pg'
import {describe, expect, test} from 'vitest'
import {isAlive} from '../../src/demo/processes.ts'
import {type Cluster, caOf, followersOf, type PgNode, rejoin, testCluster, until} from './cluster.ts'
import {lacks} from './parts.ts'

const servers = [...(lacks('PostgreSQL 15') ? [] : (['debian'] as const)), 'embedded' as const]
const nodesOf = ({nodes}: Cluster) => nodes as readonly [PgNode, PgNode, PgNode]
const isStandby = async (node: PgNode) => (await node.sql('select pg_is_in_recovery() as standby'))[0]?.standby

describe.each(servers)('%s', (server) => {
  test('streams, survives a crash by promotion, rewinds the old primary with its own writes', async () => {
    const [host1, host2, host3] = nodesOf(await testCluster({server}))
    await until(async () => (await followersOf(host1)).join() === 'host2,host3')
    await host1.kill()
    await host2.promote()
    await host3.follow(host2)
    await until(async () => (await followersOf(host2)).join() === 'host3')

    await host1.start()
    await host1.sql('create table written_alone ()')
    await rejoin(host1, host2)
    await until(async () => (await followersOf(host2)).join() === 'host1,host3')
    expect(await isStandby(host1)).toBe(true)
    expect(await host1.sql("select to_regclass('written_alone') as found")).toEqual([{found: null}])
    await host3.cloneFrom(host2)
    await host3.start()
    await until(async () => (await followersOf(host2)).join() === 'host1,host3')
  })

  test('a copy of a server under writes is complete', async () => {
    const [host1, host2] = nodesOf(await testCluster({server, nodes: 2}))
    await host1.sql('create table numbers (n int)')
    let isOver = false
    const writing = (async () => {
      while (!isOver) await host1.sql('insert into numbers select generate_series(1, 500)')
    })()
    await host2.cloneFrom(host1)
    isOver = true
    await writing
    await host2.start()
    const count = async (node: PgNode) => (await node.sql('select count(*) from numbers'))[0]?.count
    const written = await count(host1)
    await until(async () => (await count(host2)) === written)
  })
})

test('hang: no answer until thaw; a hung postmaster keeps old sessions; a frozen server can be killed', async () => {
  const [host1] = nodesOf(await testCluster({nodes: 1}))
  await using session = await host1.connect()
  host1.hang()
  const answer = session.query('select 1 as one')
  expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 300, 'silence'))])).toBe('silence')
  host1.thaw()
  expect((await answer).rows).toEqual([{one: 1}])

  host1.hangPostmaster()
  expect((await session.query('select 2 as two')).rows).toEqual([{two: 2}])
  host1.hang()
  const pids = host1.pids()
  await host1.kill()
  expect(pids.length).toBeGreaterThan(3)
  expect(pids.filter(isAlive)).toEqual([])
  expect(host1.isHung).toBe(false)
})

test('smart shutdown: waits for open sessions and accepts no new ones; the server can start again', async () => {
  const [host1] = nodesOf(await testCluster({nodes: 1}))
  const session = await host1.connect()
  host1.beginStop('smart')
  await until(() =>
    host1.sql('select 1').then(
      () => false,
      ({code}) => code === '57P03',
    ),
  )
  expect(host1.isRunning).toBe(true)
  await session.end()
  await until(() => !host1.isRunning)
  await host1.start()
  await host1.restart('immediate')
  expect(await isStandby(host1)).toBe(false)
})

test('options: cascade, synchronous standby, configuration per node, quiet logs', async () => {
  const [host1, host2, host3] = nodesOf(
    await testCluster({
      cascade: true,
      synchronous: 'host2',
      conf: (name) => (name === 'host3' ? ["recovery_min_apply_delay = '1h'"] : []),
    }),
  )
  await until(
    async () => (await followersOf(host1)).join() === 'host2' && (await followersOf(host2)).join() === 'host3',
  )
  await until(async () => (await host1.sql('select sync_state from pg_stat_replication'))[0]?.sync_state === 'sync')
  expect(await host3.sql('show recovery_min_apply_delay')).toEqual([{recovery_min_apply_delay: '1h'}])
  expect(host1.logLines.filter((line) => /connection (received|auth)/.test(line))).toEqual([])
})

test('TLS and a password are required from the monitoring role only', async () => {
  const cluster = await testCluster({nodes: 1, tls: true, logConnections: true})
  const [host1] = nodesOf(cluster)
  const ca = readFileSync(caOf(cluster), 'utf8')
  const settings = {host: '127.0.0.1', port: host1.port, user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
  const login = async (change: object) => {
    const client = new pg.Client({...settings, ...change})
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).rows[0]?.ssl
    } catch (error) {
      return (error as {code?: string}).code
    } finally {
      await client.end()
    }
  }
  expect(await login({ssl: {ca}})).toBe(true)
  expect(await login({ssl: {ca}, password: 'wrong'})).toBe('28P01')
  expect(await login({ssl: false})).toBe('28000')
  expect(host1.log).toContain('connection authorized: user=pgroute66')
})
