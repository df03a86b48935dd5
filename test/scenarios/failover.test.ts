import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {Stage} from '../support/stage.ts'

test('healthy cluster: the primary is routed, with one session per host and one probe a second', async () => {
  await using stage = await Stage.set()
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  await stage.clock.run(10_000)
  const before = stage.cluster.names.map((name) => stage.cluster.toldTo(name).probes.length)
  await stage.clock.run(60_000)
  stage.cluster.names.forEach((name, index) => {
    const told = stage.cluster.toldTo(name)
    expect(told.opens.length).toBe(1)
    expect(told.probes.length - (before[index] ?? 0)).toBe(60)
    expect(told.knocks.length).toBeLessThanOrEqual(15)
  })
})

test('log_connections: a host that writes a line per knock is knocked at the pace for it', async () => {
  await using stage = await Stage.set()
  stage.cluster.server('host2').logsKnocks = true
  stage.cluster.crash('host2')
  await stage.clock.run(1_000)
  stage.cluster.start('host2')
  await stage.clock.run(20_000)
  const knocks = (host: string) => stage.cluster.toldTo(host).knocks.length
  const [logged, silent] = [knocks('host2'), knocks('host1')]
  await stage.clock.run(60_000)
  expect([knocks('host2') - logged, knocks('host1') - silent]).toEqual([6, 12])
})

test('crash of the primary: its closed socket ends the route within milliseconds', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.crash('host1')
  expect(await stage.clock.until(() => stage.routedTo === null)).toBeLessThan(2)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'refused'})
  expect(stage.verdict()).toMatchObject({rule: 'V5', kind: 'no-primary'})
})

test('a standby is promoted after the crash: routed within one fast interval', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.crash('host1')
  await stage.clock.run(2_000)
  stage.cluster.promote('host2')
  expect(await stage.clock.until(() => stage.routedTo === 'host2')).toBeLessThanOrEqual(101)
  expect(stage.routes).toEqual([null, 'host1', null, 'host2'])
})

test('a promotion at the moment of the crash: the successor is routed within one fast interval', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  const {probes} = stage.cluster.toldTo('host2')
  await stage.clock.until(() => probes.at(-1) === stage.clock.now(), 2_000)
  await stage.clock.run(20)
  stage.cluster.crash('host1')
  stage.cluster.promote('host2')
  expect(await stage.clock.until(() => stage.routedTo === 'host2')).toBeLessThanOrEqual(101)
})

test('planned switchover: no split brain, and the old primary serves reads as a standby', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.crash('host1')
  stage.cluster.promote('host3')
  stage.cluster.rebuild('host1', 'host3')
  stage.cluster.follow('host2', 'host3')
  expect(await stage.clock.until(() => stage.routedTo === 'host3')).toBeLessThanOrEqual(1_001)
  await stage.clock.run(1_000)
  expect(stage.changes.some(({to}) => to === 'split-brain')).toBe(false)
  expect(stage.host('host1')).toMatchObject({role: 'standby', upstream: 'host3', timeline: 2})
})

test('power loss of the primary: the route ends when the open question times out', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.powerOff('host1')
  const took = await stage.clock.until(() => stage.routedTo === null)
  expect(took).toBeLessThanOrEqual(2_001)
  expect(causeOf(stage.host('host1'))).toBe('timeout')
})

test('flapping: every crash and every return of the primary is published exactly once', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_000)
  for (let time = 0; time < 5; time += 1) {
    stage.cluster.crash('host1')
    await stage.clock.until(() => stage.routedTo === null, 10)
    await stage.clock.run(700)
    stage.cluster.start('host1')
    await stage.clock.until(() => stage.routedTo === 'host1', 200)
    await stage.clock.run(1_500)
  }
  const flaps = stage.changes.filter(({kind, host}) => kind === 'role' && host === 'host1').map(({to}) => to)
  expect(flaps).toEqual(['primary', ...Array.from({length: 5}, () => ['unavailable', 'primary']).flat()])
})

test('an idle primary, followers required: the nudge keeps the standbys hearing from it', async () => {
  await using stage = await Stage.set({group: {confirm: ['followers']}})
  for (const server of stage.cluster.servers) server.bytesPerMs = 0
  await stage.clock.run(60_000)
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  expect(stage.routes).toEqual([null, 'host1'])
})

test('replication is cut off from an idle primary: followers fall silent, and the route ends', async () => {
  await using stage = await Stage.set({group: {confirm: ['followers']}})
  stage.cluster.unlink('host2')
  stage.cluster.unlink('host3')
  await stage.clock.until(() => stage.routedTo === null, 7_000)
  expect(stage.verdict()).toMatchObject({rule: 'V3', kind: 'unconfirmed', primary: 'host1'})
})

test('an operator drained the primary before the restart: it is shown, and not offered', async () => {
  const drains = {host1: {since: 1, by: 'jane', reason: 'disk'}}
  await using stage = await Stage.set({memory: {...nothingRemembered, drains}})
  expect(stage.verdict()).toMatchObject({rule: 'V4', primary: 'host1', routedTo: null})
  expect(stage.host('host1').drained).toEqual(drains.host1)
})
