import {expect, test} from 'vitest'
import {debian, hasDebian, rejoin, testCluster, until} from './cluster.ts'

const kinds = [['embedded', {}], ...(hasDebian ? [['Debian', {binaries: debian}] as const] : [])] as const

test.each(kinds)('%s: streams, survives a crash by promotion, takes the old primary back', async (_, options) => {
  const cluster = await testCluster(options)
  const [host1, host2, host3] = cluster.nodes
  if (!host1 || !host2 || !host3) throw new Error('three nodes were asked for')
  const followers = async () =>
    (
      await (host2.isRunning && !host1.isRunning ? host2 : host1).sql('select application_name from pg_stat_replication where state = $1', [
        'streaming',
      ])
    ).length
  await until(async () => (await followers()) === 2)

  await host1.kill()
  await host2.promote()
  await host3.follow(host2)
  await until(async () => (await followers()) === 1)
  await rejoin(host1, host2)
  await until(async () => (await host2.sql('select 1 from pg_stat_replication where state = $1', ['streaming'])).length === 2)
  expect(await host1.sql('select pg_is_in_recovery() as standby')).toEqual([{standby: true}])
})

test('a frozen server thaws, and disposing a frozen one does not hang', async () => {
  const cluster = await testCluster({nodes: 1})
  const [host1] = cluster.nodes
  host1?.hang()
  host1?.thaw()
  expect(await host1?.sql('select 1 as one')).toEqual([{one: 1}])
  host1?.hang()
})

test('over TLS and with scram only', async () => {
  const cluster = await testCluster({nodes: 1, tls: true})
  expect(await cluster.nodes[0]?.sql('show ssl')).toEqual([{ssl: 'on'}])
})
