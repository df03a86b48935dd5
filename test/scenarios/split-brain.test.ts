import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {blankMemory, nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {wrote} from '../support/records.ts'
import {Stage} from '../support/stage.ts'

test('two primaries: no host is routed to; the one without followers, on the lower timeline, is suspect', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.promote('host2')
  stage.cluster.follow('host3', 'host2')
  await stage.clock.run(3_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', routedTo: null, primaries: ['host1', 'host2'], suspect: 'host1'})
  expect(stage.routes).toEqual([null, 'host1', null])
})

test('accidental promotion of a lagging standby: timeline and followers disagree, so no suspect', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.promote('host2')
  await stage.clock.run(3_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', suspect: null})
})

test('it sticks while a rival is silent: cut off from us it may still be writing', async () => {
  await using stage = await Stage.set()
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  await stage.clock.run(1_000)
  stage.cluster.cut('host1')
  await stage.clock.run(300_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', routedTo: null})
  stage.cluster.heal('host1')
  stage.cluster.rebuild('host1', 'host2')
  expect(await stage.clock.until(() => stage.routedTo === 'host2')).toBeLessThanOrEqual(3_100)
})

test.each(['stop', 'halt'] as const)('it ends when a rival says that it stops, and refuses then (%s)', async (how) => {
  await using stage = await Stage.set()
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  stage.cluster[how]('host1')
  await stage.clock.until(() => stage.routedTo === 'host2', 200)
})

test('it does not end when a rival merely refuses: that may be a firewall in its name', async () => {
  await using stage = await Stage.set()
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  stage.cluster.crash('host1')
  await stage.clock.run(60_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', situation: 'two-primaries-one-unseen', routedTo: null})
  expect(stage.verdict().why).toContain('host1 refuses connections but did not say that it is stopping')
  await stage.clock.through(stage.monitor.accept('host2', {by: 'jane', reason: 'host1 is dead'}))
  expect(stage.routedTo).toBe('host2')
})

test('it is remembered: a restart of the monitor while a rival is silent does not end it', async () => {
  await using stage = await Stage.set()
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  await stage.strike()
  await stage.raise()
  await stage.clock.run(10_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', routedTo: null})
  expect(stage.routes).not.toContain('host2')
})

test('"accept" ends it, but does not make two live primaries one', async () => {
  await using stage = await Stage.set()
  const who = {by: 'jane', reason: 'host1 is fenced'}
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  await expect(stage.monitor.accept('host2', who)).rejects.toMatchObject({code: 'STILL_TWO_PRIMARIES'})
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  expect(await stage.clock.through(stage.monitor.accept('host2', who))).toContain('host1 no longer counted as a rival')
  expect(stage.routedTo).toBe('host2')
  expect(stage.said.some((line) => line.startsWith('warn: accepted'))).toBe(true)
})

test('an old primary returns while the new one is down: V2, also after a restart, until accepted', async () => {
  await using stage = await Stage.set()
  stage.cluster.crash('host1')
  stage.cluster.promote('host2')
  stage.cluster.follow('host3', 'host2')
  await stage.clock.until(() => stage.routedTo === 'host2', 2_000)
  await stage.clock.run(1_000)
  stage.cluster.cut('host2')
  stage.cluster.cut('host3')
  await stage.clock.run(5_000)
  stage.cluster.start('host1')
  await stage.clock.run(10_000)
  expect(stage.verdict()).toMatchObject({rule: 'V2', kind: 'unconfirmed', primary: 'host1', routedTo: null})
  await stage.strike()
  await stage.raise()
  await stage.clock.run(10_000)
  expect(stage.verdict()).toMatchObject({rule: 'V2', routedTo: null})
  await stage.clock.through(stage.monitor.accept('host1', {by: 'jane', reason: null}))
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
})

test('after accept: the next promotion has the number that was overruled, and is routed to', async () => {
  await using stage = await Stage.set()
  stage.cluster.crash('host1')
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.routedTo === 'host2', 2_000)
  stage.cluster.crash('host2')
  stage.cluster.start('host1')
  await stage.clock.until(() => stage.verdict().rule === 'V2', 2_000)
  await stage.clock.through(stage.monitor.accept('host1', {by: 'jane', reason: null}))
  stage.cluster.crash('host1')
  await stage.clock.until(() => stage.verdict().rule === 'V5', 2_000)
  stage.cluster.promote('host3')
  await stage.clock.until(() => stage.routedTo === 'host3', 2_000)
  stage.cluster.crash('host3')
  stage.cluster.start('host2')
  await stage.clock.run(5_000)
  expect(stage.verdict()).toMatchObject({rule: 'V2', situation: 'overruled-primary', routedTo: null})
})

test('accept refuses who cannot be the primary', async () => {
  await using stage = await Stage.set()
  const who = {by: 'jane', reason: null}
  await expect(stage.monitor.accept('host9', who)).rejects.toMatchObject({code: 'UNKNOWN_HOST'})
  await expect(stage.monitor.accept('host2', who)).rejects.toMatchObject({code: 'HOST_IS_STANDBY'})
  const stalled = stage.clock.stall(4_000)
  await expect(stage.monitor.accept('host1', who)).rejects.toMatchObject({code: 'HOST_UNAVAILABLE'})
  await stalled
  stage.cluster.crash('host1')
  await stage.clock.run(2_000)
  await expect(stage.monitor.accept('host1', who)).rejects.toMatchObject({code: 'HOST_UNAVAILABLE'})
})

test('a new cluster: every host is foreign until the operator accepts it, and timelines begin again', async () => {
  const old = {...blankMemory, systemIdentifier: '42', wrote: [wrote(9)]}
  await using stage = await Stage.set({memory: {...nothingRemembered, groups: {all: old}}})
  expect(stage.verdict().rule).toBe('V5')
  expect(causeOf(stage.host('host1'))).toBe('foreign-cluster')
  await stage.clock.through(stage.monitor.accept('host1', {by: 'jane', reason: 'pg_dump and restore'}))
  await stage.clock.until(() => stage.verdict().rule === 'V4', 10)
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  expect(stage.store.memory.groups.all).toMatchObject({wrote: [{timeline: 1, host: 'host1'}], voids: []})
})

test('the operator names the cluster in the configuration: accept does not overrule that', async () => {
  await using stage = await Stage.set({group: {systemIdentifier: '42'}})
  await expect(stage.monitor.accept('host1', {by: 'jane', reason: null})).rejects.toMatchObject({
    code: 'IDENTITY_CONFIGURED',
  })
})

test.each([0, 100, 250, 500, 750, 900])(
  'a primary hangs %d ms into its interval, a successor is promoted at once: no split brain',
  async (phase) => {
    await using stage = await Stage.set()
    await stage.clock.run(13_000 + phase)
    stage.cluster.freeze('host1')
    await stage.clock.run(1_000)
    stage.cluster.promote('host2')
    await stage.clock.until(() => stage.routedTo === 'host2', 1_200)
    expect(stage.publications.map(({snapshot}) => snapshot.groups.all?.verdict.rule)).not.toContain('V1')
  },
)

test('one of two rivals hangs: V1 until it is a standby, stops, or is overruled', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict()?.rule === 'V1', 1_200)
  stage.cluster.freeze('host1')
  await stage.clock.run(30_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', routedTo: null})
  stage.cluster.thaw('host1')
  await stage.clock.run(2_000)
  stage.cluster.stop('host1')
  await stage.clock.until(() => stage.routedTo === 'host2', 1_100)
})

test('a primary hangs, a successor is promoted after the timeout: the successor is routed', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.freeze('host1')
  await stage.clock.run(3_000)
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.routedTo === 'host2', 300)
})

test('a split brain of idle primaries: nudges keep the followers of each rival known', async () => {
  await using stage = await Stage.set()
  for (const server of stage.cluster.servers) server.bytesPerMs = 0
  stage.cluster.promote('host2')
  stage.cluster.follow('host3', 'host2')
  await stage.clock.run(60_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', suspect: 'host1'})
})
