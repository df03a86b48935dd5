import {expect, onTestFinished, test} from 'vitest'
import {followersOf, type PgNode, until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import {type Lab, lab} from './cluster.ts'
import {labServe} from './serve.ts'

/** Commits fifty times a second until the test is over; `count`: how many there are. */
async function writeTo(host: PgNode) {
  await host.sql('create table written (at timestamptz)')
  let isWriting = true
  const done = (async () => {
    while (isWriting) {
      await host.sql('insert into written values (now())').catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  onTestFinished(async () => {
    isWriting = false
    await done
  })
  return async () => Number((await host.sql('select count(*)::text as name from written'))[0]?.name)
}

async function watched(given: Lab) {
  const {cluster} = given
  const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
  await until(async () => (await followersOf(host1)).join() === 'host2,host3')
  const count = await writeTo(host1)
  const serve = await labServe(given, {probe: 'knock_interval: 1s'})
  const verdict = async () => JSON.parse((await serve.get('/v1/groups/all')) ?? '{}').verdict
  const concludes = (situation: string) => until(async () => (await verdict())?.situation === situation)
  await concludes('healthy')
  return {host1, host2, host3, count, serve, verdict, concludes}
}

/**
 * Brings the fault about until the primary is sustained. On a busy machine no standby may be heard
 * in time, and then it is rightly not.
 */
async function sustainedBy(
  {net}: Lab,
  {concludes, verdict}: Awaited<ReturnType<typeof watched>>,
  fault: () => Promise<void>,
) {
  for (;;) {
    await fault()
    let situation = ''
    await until(async () => {
      situation = (await verdict())?.situation
      return situation === 'unreachable-but-followed' || situation === 'no-primary'
    })
    const isReset = situation === 'no-primary'
    // A way that ends by a reset is told at once, before any standby can have heard anything since.
    if (isReset) await until(async () => (await verdict())?.situation !== 'no-primary', 3_000).catch(() => {})
    if ((await verdict())?.situation === 'unreachable-but-followed') return
    await net.heal('serve', 'host1')
    await concludes('healthy')
  }
}

test.skipIf(lacksLab)('a primary that only the daemon cannot reach stays routed, and takes writes', async () => {
  const given = await lab(15)
  const {net} = given
  const seen = await watched(given)
  const {host1, count, serve, verdict, concludes} = seen
  const faults = [
    () => net.cut('serve', 'host1'),
    () => net.cut('host1', 'serve', {oneWay: true}),
    () => net.reset('serve', 'host1', 'all'),
    () => net.reset('serve', 'host1', 'new'),
  ]
  for (const fault of faults) {
    await sustainedBy(given, seen, fault)
    expect(await verdict()).toMatchObject({rule: 'V4', routed_to: 'host1', primaries: []})
    expect(await serve.get('/v1/primary')).toBe('["host1"]')
    expect(await serve.get('/v1/primaries')).toBe('[]')
    const before = await count()
    await until(async () => (await count()) > before)
    await net.heal('serve', 'host1')
    await concludes('healthy')
  }
  await sustainedBy(given, seen, () => net.cut('serve', 'host1'))
  await host1.kill()
  await concludes('no-primary')
})

test.skipIf(lacksLab)('another primary beside one that is out of reach, and lives: a split brain', async () => {
  const given = await lab(15)
  const seen = await watched(given)
  await sustainedBy(given, seen, () => given.net.cut('serve', 'host1'))
  await seen.host2.promote()
  await seen.concludes('two-primaries-one-unseen')
  expect(await seen.verdict()).toMatchObject({rule: 'V1', routed_to: null, primaries: ['host2']})
  await given.net.heal('serve', 'host1')
  await seen.concludes('two-primaries')
})

test.skipIf(lacksLab)('a primary that stops is not sustained, whatever its standbys heard last', async () => {
  const given = await lab(15)
  const {host1, concludes, serve} = await watched(given)
  for (const mode of ['fast', 'immediate'] as const) {
    await host1.stop(mode)
    await concludes('no-primary')
    await host1.start()
    await concludes('healthy')
  }
  const {changes} = JSON.parse((await serve.get('/v1/changes')) ?? '{}')
  const whys: readonly string[] = changes.map(({why}: {why: string}) => why)
  expect(whys.filter((why) => why.includes('out of reach'))).toEqual([])
})
