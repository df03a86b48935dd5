import {execFileSync} from 'node:child_process'
import {rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import type {Situation} from '../../src/core/verdict/situation.ts'
import {type PgNode, rejoin, until} from '../support/cluster.ts'
import {dies, has, stopHeard, streams, three, write} from './servers.ts'
import {type Witness, witness} from './witness.ts'

/** V4 on host1, and whatever routes there were before are forgotten. */
async function calm() {
  const servers = await three()
  const seen = await witness(servers.cluster)
  await routes(seen, 'host1')
  return {...servers, seen}
}

/** The end of every section: V4, and nothing is left to do. */
const routes = (seen: Witness, host: string, situation: Situation = 'healthy') =>
  seen.concludes({rule: 'V4', routedTo: host, situation})
const stays = (seen: Witness, situation: Situation) => seen.concludes({routedTo: null, situation})

/** `pg_ctl stop` of a rival. The daemon hears the word, also on a busy machine. */
const stops = (seen: Witness, host: PgNode) =>
  stopHeard(host, 'fast', () => causeOf(seen.host(host.name)) === 'not-accepting')

/** "Put an old primary back", by `way`, for each of these hosts. */
async function rebuilds(
  seen: Witness,
  primary: PgNode,
  hosts: readonly PgNode[],
  way: 'pg_rewind' | 'copy' = 'pg_rewind',
): Promise<void> {
  for (const host of hosts) {
    if (way === 'pg_rewind') await rejoin(host, primary)
    else {
      await host.cloneFrom(primary)
      await host.start()
    }
  }
  const names = hosts.map(({name}) => name)
  await until(() => names.every((name) => seen.host(name).role === 'standby'))
  await until(() => names.every((name) => Reflect.get(seen.host(name), 'upstream') === primary.name))
  await routes(seen, primary.name)
}

/** As an operator or an HA tool repoints a standby that followed the other host. */
async function repoints(host: PgNode, primary: PgNode): Promise<void> {
  await host.stop()
  await rejoin(host, primary)
}

test('two-primaries, after an accidental promotion: the right one stays', async () => {
  const {seen, host1, host2} = await calm()
  await host2.promote()
  await stays(seen, 'two-primaries')
  await stops(seen, host2)
  await stays(seen, 'old-primary-returned')
  await seen.accept('host1')
  await routes(seen, 'host1')
  await rebuilds(seen, host1, [host2])
})

test('two-primaries, after an accidental promotion: the promoted one stays', async () => {
  const {seen, host1, host2, host3} = await calm()
  await host2.promote()
  await stays(seen, 'two-primaries')
  await stops(seen, host1)
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await repoints(host3, host2)
  await rebuilds(seen, host2, [host1])
})

test('two-primaries, a standby was started without standby.signal', async () => {
  const {seen, host1, host2} = await calm()
  await host2.stop()
  await rm(join(host2.data, 'standby.signal'))
  await host2.start()
  await stays(seen, 'two-primaries')
  await write(host2, 10)
  await stops(seen, host2)
  await stays(seen, 'second-writer-of-a-timeline')
  await seen.accept('host1')
  await routes(seen, 'host1')
  await rebuilds(seen, host1, [host2], 'copy')
})

test('two-primaries-one-unseen: the other one is switched off', async () => {
  const {seen, host1, host2, host3} = await calm()
  await host2.promote()
  await stays(seen, 'two-primaries')
  await host1.kill()
  await stays(seen, 'two-primaries-one-unseen')
  await seen.accept('host2')
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await repoints(host3, host2)
  await rebuilds(seen, host2, [host1])
})

/** host2 was promoted and died, and the old primary host1 is back alone. */
async function oldPrimaryReturns() {
  const servers = await calm()
  const {seen, host1, host2} = servers
  await dies(host1, seen)
  await host2.promote()
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await dies(host2, seen)
  await host1.start()
  await stays(seen, 'old-primary-returned')
  return servers
}

test('old-primary-returned: the newest primary counts', async () => {
  const {seen, host1, host2, host3} = await oldPrimaryReturns()
  expect(seen.verdict().why).toContain('stop host1, then start host2')
  await host1.stop()
  await host2.start()
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await repoints(host3, host2)
  await rebuilds(seen, host2, [host1])
})

test('old-primary-returned: the primary in sight counts', async () => {
  const {seen, host1, host2} = await oldPrimaryReturns()
  await seen.accept('host1')
  await routes(seen, 'host1')
  await rebuilds(seen, host1, [host2])
})

test('second-writer-of-a-timeline: the operator decides for the one that is out of sight', async () => {
  const {seen, host1, host2, host3} = await calm()
  await dies(host1, seen)
  await host2.promote()
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await dies(host2, seen)
  await host3.promote()
  await stays(seen, 'second-writer-of-a-timeline')
  await host3.stop()
  await host2.start()
  await stays(seen, 'second-writer-of-a-timeline')
  await seen.accept('host2')
  await routes(seen, 'host2')
  await rebuilds(seen, host2, [host1, host3], 'copy')
})

/** host1 is restored from a copy, and lacks what its standbys have. */
async function snapshotRestored() {
  const servers = await three()
  const {cluster, host1, host2, host3} = servers
  await host1.stop()
  const copy = `${host1.data}.earlier`
  execFileSync('cp', ['-a', host1.data, copy])
  await host1.start()
  const seen = await witness(cluster)
  await routes(seen, 'host1')
  await streams(host1, 'host2,host3')
  await write(host1, 500)
  for (const standby of [host2, host3]) await has(standby, host1)
  await dies(host1, seen)
  await rm(host1.data, {recursive: true})
  await rename(copy, host1.data)
  await host1.start()
  await stays(seen, 'primary-lost-wal')
  return {...servers, seen}
}

test('primary-lost-wal: a standby that has the WAL is promoted', async () => {
  const {seen, host1, host2, host3} = await snapshotRestored()
  // A fast stop waits for standbys that are ahead, until wal_sender_timeout.
  await host1.stop('immediate')
  await host2.promote()
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
  await repoints(host3, host2)
  await rebuilds(seen, host2, [host1], 'copy')
})

test('primary-lost-wal: the loss is accepted', async () => {
  const {seen, host1, host2, host3} = await snapshotRestored()
  await seen.accept('host1')
  await routes(seen, 'host1')
  await rebuilds(seen, host1, [host2, host3], 'copy')
})

test('overruled-primary: it is stopped, and rebuilt from the accepted host', async () => {
  const {seen, host1, host2} = await oldPrimaryReturns()
  await seen.accept('host1')
  await routes(seen, 'host1')
  await dies(host1, seen)
  await host2.start()
  await stays(seen, 'overruled-primary')
  await host2.stop()
  await host1.start()
  await routes(seen, 'host1')
  await rebuilds(seen, host1, [host2])
})
