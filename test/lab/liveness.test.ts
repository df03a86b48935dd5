import {execFileSync} from 'node:child_process'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {followersOf, type PgNode, rejoin, testCluster, until} from '../support/cluster.ts'
import {keptMemory, type Witness, witness} from './witness.ts'

/** Three servers on this machine, and V4 on host1. */
async function three(cascade = false) {
  const cluster = await testCluster({cascade})
  const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
  await streams(host1, cascade ? 'host2' : 'host2,host3')
  if (cascade) await streams(host2, 'host3')
  const store = keptMemory()
  const seen = await witness(cluster, {store})
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  return {cluster, host1, host2, host3, seen, store}
}

const streams = (from: PgNode, names: string) => until(async () => (await followersOf(from)).join() === names)

/** The group waits for one order of the operator, and its reason says which. */
async function waitsForAccept(host: string, rule: 'V1' | 'V2', seen: Witness): Promise<void> {
  const {why} = await seen.concludes({rule, routedTo: null})
  expect(why).toContain(rule === 'V1' ? 'pgroute66 accept' : `pgroute66 accept ${host}`)
  await seen.accept(host)
  await seen.concludes({rule: 'V4', routedTo: host})
}

/** The primary dies, and another host takes over: no human is needed. */
async function failsOver(from: PgNode, to: PgNode, seen: Witness): Promise<void> {
  await from.kill()
  await seen.concludes({rule: 'V5'})
  await to.promote()
  await seen.concludes({rule: 'V4', routedTo: to.name})
}

test('a switchover and the way back need no human', async () => {
  const {host1, host2, host3, seen} = await three()
  for (const [from, to] of [
    [host1, host2],
    [host2, host1],
  ] as const) {
    await from.stop('fast')
    await to.promote()
    await seen.concludes({rule: 'V4', routedTo: to.name})
    await rejoin(from, to)
    await host3.cloneFrom(to)
    await host3.start()
    await streams(to, [from.name, 'host3'].join())
    await seen.concludes({rule: 'V4', routedTo: to.name})
  }
})

test('every host goes down, and comes up in any order: no human is needed', async () => {
  const {host1, host2, host3, seen} = await three()
  for (const order of [
    [host3, host2, host1],
    [host2, host1, host3],
  ]) {
    for (const host of [host1, host2, host3]) await host.stop('fast')
    await seen.concludes({rule: 'V5'})
    for (const host of order) await host.start()
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
  }
  for (const host of [host1, host2, host3]) await host.kill()
  for (const host of [host2, host3, host1]) await host.start()
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
})

test('the head of a cascade is promoted: what streams from it goes on, and no human is needed', async () => {
  const {host1, host2, seen} = await three(true)
  await failsOver(host1, host2, seen)
  await streams(host2, 'host3')
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
})

test('a standby starts without its standby.signal: one order, and none at the next failover', async () => {
  const {host1, host2, seen} = await three()
  await host2.stop('fast')
  await rm(join(host2.data, 'standby.signal'))
  await host2.start()
  await seen.concludes({rule: 'V1', situation: 'two-primaries'})
  await host2.stop('immediate')
  await waitsForAccept('host1', 'V2', seen)
  await host2.cloneFrom(host1)
  await host2.start()
  await streams(host1, 'host2,host3')
  await until(() => seen.host('host2').role === 'standby')
  await failsOver(host1, host2, seen)
})

test('a rival freezes, and is killed then: it never said that it stops, so one order is needed', async () => {
  const {host1, host2, seen} = await three()
  await host2.promote()
  await seen.concludes({rule: 'V1', situation: 'two-primaries'})
  host1.hang()
  await seen.concludes({rule: 'V1', situation: 'two-primaries-one-unseen'})
  await host1.kill()
  await waitsForAccept('host2', 'V1', seen)
})

test('a rival stops while no monitor runs: one order with what was remembered, none without', async () => {
  const {cluster, host1, host2, seen, store} = await three()
  await host2.promote()
  await seen.concludes({rule: 'V1', situation: 'two-primaries'})
  await seen.close()
  await host1.stop('fast')
  const forgetful = await witness(cluster)
  await forgetful.concludes({rule: 'V4', routedTo: 'host2'})
  const mindful = await witness(cluster, {store})
  await waitsForAccept('host2', 'V1', mindful)
})

test('every host is restored from an earlier copy: one order, and none at the next failover', async () => {
  const {host1, host2, host3, seen} = await three()
  const hosts = [host1, host2, host3]
  for (const host of hosts) await host.stop('fast')
  for (const {data} of hosts) execFileSync('cp', ['-a', data, `${data}.earlier`])
  for (const host of hosts) await host.start()
  await streams(host1, 'host2,host3')
  await host1.sql('create table written as select generate_series(1, 5000) as n')
  const [{at}] = await host1.sql('select pg_current_wal_flush_lsn()::text as at')
  await until(async () => (await host2.sql(`select pg_last_wal_replay_lsn() >= '${at}' as is`))[0]?.is)
  const {askedAt} = seen.host('host1')
  await until(() => (seen.host('host1').askedAt ?? 0) > (askedAt ?? 0))
  for (const host of hosts) await host.kill()
  for (const {data} of hosts) execFileSync('sh', ['-c', `rm -r ${data} && mv ${data}.earlier ${data}`])
  for (const host of hosts) await host.start()
  await waitsForAccept('host1', 'V2', seen)
  await streams(host1, 'host2,host3')
  await failsOver(host1, host2, seen)
})
