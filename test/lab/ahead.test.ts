import {execFileSync} from 'node:child_process'
import {rename, rm} from 'node:fs/promises'
import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type PgNode, until} from '../support/cluster.ts'
import {testedVersions} from './postgresql.ts'
import {dies, flushed, has, lsnOf, received, stopHeard, streams, three, write} from './servers.ts'
import {checkAnew, keptMemory, type Witness, witness} from './witness.ts'

/** The monitor has an answer to a question that it sent after this call. */
async function isAskedAgain({name}: PgNode, seen: Witness): Promise<void> {
  const now = systemClock.now()
  await until(() => (seen.host(name).askedAt ?? 0) > now)
}

const timelineOf = async (primary: PgNode): Promise<number> =>
  Number((await primary.sql('select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as tli'))[0]?.tli)

/** host2 took over, host3 holds what it wrote, and host1 comes back without it. */
async function onlyTheOldReturns({host1, host2, host3}: Omit<Awaited<ReturnType<typeof three>>, 'cluster'>) {
  // Both standbys have received all: one that is ahead of the promoted one could not follow it.
  await host1.stop('fast')
  await host2.promote()
  await host3.follow(host2)
  await streams(host2, 'host3')
  await write(host2, 500)
  await has(host3, host2)
  await host2.kill()
  await host1.start()
}

test.each(testedVersions)(
  'the first primary returns alone, a standby of its successor is in sight: a fresh check refuses it (PostgreSQL %s)',
  async (version) => {
    const {cluster, host1, host2, host3} = await three(version)
    await onlyTheOldReturns({host1, host2, host3})

    const {code, verdict} = await checkAnew(cluster)
    expect(verdict).toMatchObject({rule: 'V2', primary: 'host1', routed_to: null})
    expect(['old-primary-returned', 'primary-lost-wal']).toContain(verdict.situation)
    expect(verdict.why).toMatch(/host3 (is on 2|holds WAL)/)
    expect(code).toBe(4)

    // A daemon that has seen this once does not forget it when host1 writes past the others.
    const seen = await witness(cluster)
    await seen.concludes({rule: 'V2', primary: 'host1'})
    await write(host1, 5_000)
    expect(await flushed(host1)).toBeGreaterThan(await received(host3))
    await isAskedAgain(host1, seen)
    expect(seen.verdict()).toMatchObject({rule: 'V2', primary: 'host1'})
    expect(seen.routed()).toEqual([])
  },
)

test('a role that may list WAL sees the later timeline on disk, also when the old primary is further', async () => {
  const {cluster, host1, host2, host3} = await three()
  await host1.sql('grant execute on function pg_ls_waldir() to pgroute66')
  await onlyTheOldReturns({host1, host2, host3})
  await write(host1, 5_000)
  expect(await flushed(host1)).toBeGreaterThan(await received(host3))

  const {code, verdict} = await checkAnew(cluster)
  expect([code, verdict]).toMatchObject([4, {rule: 'V2', situation: 'old-primary-returned', routed_to: null}])
})

test.each(testedVersions)(
  'two hosts are promoted to one timeline, one after the other: each lacks what the other wrote (PostgreSQL %s)',
  async (version) => {
    const {cluster, host1, host2, host3} = await three(version)
    const seen = await witness(cluster)
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
    await dies(host1, seen)
    await host2.promote()
    await seen.concludes({rule: 'V4', routedTo: 'host2'})
    await dies(host2, seen)

    await host3.promote()
    expect(await timelineOf(host3)).toBe(2)
    await write(host3, 500)
    const behind = {rule: 'V2', situation: 'second-writer-of-a-timeline'} as const
    expect((await seen.concludes({...behind, primary: 'host3'})).why).toMatch(/host2 .*wrote on timeline 2 too/)
    await host3.kill()
    await seen.concludes({rule: 'V5'})
    await host2.start()
    expect((await seen.concludes({...behind, primary: 'host2'})).why).toMatch(/host3 .*wrote on timeline 2 too/)
    expect(seen.routed()).toEqual([])

    await dies(host2, seen)
    await host3.start()
    await seen.concludes({...behind, primary: 'host3'})
    await seen.accept('host3')
    await seen.concludes({rule: 'V4', routedTo: 'host3'})
    await dies(host3, seen)
    await host2.start()
    const overruled = {rule: 'V2', situation: 'overruled-primary', primary: 'host2'} as const
    expect((await seen.concludes(overruled)).why).toMatch(/accepted host3 instead/)
    expect(seen.routed()).toEqual([])
  },
)

test('an accidental promotion, healed by the book: the next failover needs no human', async () => {
  const {cluster, host1, host2} = await three()
  const seen = await witness(cluster)
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  await host2.promote()
  await seen.concludes({rule: 'V1'})
  seen.routed()
  await stopHeard(host2, 'fast', () => causeOf(seen.host('host2')) === 'not-accepting')
  const old = {rule: 'V2', situation: 'old-primary-returned', primary: 'host1'} as const
  expect((await seen.concludes(old)).why).toMatch(/timeline 2 was seen before \(host2 wrote on it\)/)
  expect(seen.routed()).toEqual([])
  await seen.accept('host1')
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  await host2.cloneFrom(host1)
  await host2.start()
  await streams(host1, 'host2,host3')
  await until(() => {
    const found = seen.host('host2')
    return found.role === 'standby' && found.upstream === 'host1'
  })

  await dies(host1, seen)
  await host2.promote()
  expect(await timelineOf(host2)).toBe(2)
  await seen.concludes({rule: 'V4', routedTo: 'host2', situation: 'healthy'})
  expect(seen.routed()).toEqual(['host2'])
})

test.each(testedVersions)(
  'a primary restored from an earlier copy: refused until accepted, also once it has written past (PostgreSQL %s)',
  async (version) => {
    const {cluster, host1, host2} = await three(version)
    await host1.stop()
    const copy = `${host1.data}.earlier`
    execFileSync('cp', ['-a', host1.data, copy])
    await host1.start()
    const seen = await witness(cluster)
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
    await streams(host1, 'host2,host3')
    await write(host1, 500)
    await has(host2, host1)
    const end = await received(host2)
    await dies(host1, seen)
    await rm(host1.data, {recursive: true})
    await rename(copy, host1.data)
    await host1.start()

    const lost = {rule: 'V2', situation: 'primary-lost-wal', primary: 'host1', routedTo: null} as const
    expect((await seen.concludes(lost)).why).toMatch(/(host[23] holds WAL|it had written) up to [0-9A-F/]+, \d+ bytes/)
    const fresh = await checkAnew(cluster)
    expect(fresh.verdict).toMatchObject({rule: 'V2', situation: 'primary-lost-wal'})
    expect(fresh.code).toBe(4)
    await write(host1, 5_000)
    expect(await flushed(host1)).toBeGreaterThan(end)
    await isAskedAgain(host1, seen)
    expect(seen.verdict()).toMatchObject(lost)
    expect(seen.routed()).toEqual([])

    await seen.accept('host1')
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
  },
)

/** host2 lags behind host3 when host1 dies, and is promoted. The bytes that host3 alone holds. */
async function promotesTheWorse(seen: Witness, {host1, host2, host3}: Awaited<ReturnType<typeof three>>) {
  await host2.sql(`alter system set primary_conninfo = ''`)
  await host2.sql('select pg_reload_conf()')
  await streams(host1, 'host3')
  await write(host1, 500)
  await has(host3, host1)
  await dies(host1, seen)
  const missing = (await received(host3)) - (await lsnOf(host2, 'pg_last_wal_replay_lsn()'))
  await host2.promote()
  return Number(missing)
}

const toldBytes = (why: string) =>
  Number(/host3 holds (\d+) bytes of timeline 1 that host2 lacked when it was promoted/.exec(why)?.[1])

test('the worse of two standbys is promoted: routed to, and the reason tells what is lost', async () => {
  const servers = await three()
  const seen = await witness(servers.cluster)
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  const missing = await promotesTheWorse(seen, servers)

  const {why} = await seen.concludes({rule: 'V4', routedTo: 'host2', situation: 'lossy-promotion'})
  expect(toldBytes(why)).toBeGreaterThan(10_000)
  expect(toldBytes(why)).toBeLessThanOrEqual(missing)
  expect(seen.routed()).toEqual(['host2'])
})

test('on_lossy_promotion refuse: over a restart of the monitor too, until accept, and then no more', async () => {
  const servers = await three()
  const {cluster, host2, host3} = servers
  const options = {group: {onLossyPromotion: 'refuse'}, store: keptMemory()} as const
  const seen = await witness(cluster, options)
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  const missing = await promotesTheWorse(seen, servers)
  const refused = {rule: 'V3', primary: 'host2', routedTo: null, situation: 'lossy-promotion'} as const
  const {why} = await seen.concludes(refused)
  expect(toldBytes(why)).toBeGreaterThan(10_000)
  expect(toldBytes(why)).toBeLessThanOrEqual(missing)
  expect(why).toContain('run "pgroute66 accept host2"')

  // The new primary writes past what host3 holds, and host3 no longer tells what it had received.
  await write(host2, 5_000)
  await host3.stop()
  await host3.start()
  expect(await flushed(host2)).toBeGreaterThan(await lsnOf(host3, 'pg_last_wal_replay_lsn()'))
  await isAskedAgain(host3, seen)
  await seen.concludes(refused)
  expect(seen.routed()).toEqual([])
  await seen.close()
  const again = await witness(cluster, options)
  await again.concludes(refused)
  expect(again.routed()).toEqual([])

  await again.accept('host2')
  const told = {rule: 'V4', routedTo: 'host2', situation: 'lossy-promotion'} as const
  await again.concludes(told)
  await again.close()
  const last = await witness(cluster, options)
  await last.concludes(told)
  await host3.cloneFrom(host2)
  await host3.start()
  await last.concludes({rule: 'V4', routedTo: 'host2', situation: 'healthy'})
})
