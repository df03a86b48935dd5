import {expect, test} from 'vitest'
import {groupSettings} from '../support/settings.ts'
import {Stage} from '../support/stage.ts'

/** The most that ever happened within any `windowMs`. */
const most = (times: readonly number[], windowMs: number) =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length))

test('a group without a primary is probed fast for at most a minute on end', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(30_000)
  stage.cluster.crash('host1')
  await stage.clock.run(50_000)
  expect(most(stage.cluster.toldTo('host2').probes.slice(-100), 1_000)).toBe(10)
  await stage.clock.run(20_000)
  const since = stage.clock.now()
  await stage.clock.run(60_000)
  expect(stage.cluster.toldTo('host2').probes.filter((at) => at > since).length).toBe(60)
})

test('hundreds of hosts at the fast pace share a thousand questions a second', async () => {
  const servers = Array.from({length: 300}, (_, index) => `h${index}`)
  const groups = Array.from({length: 100}, (_, index) =>
    groupSettings(`g${index}`, servers.slice(3 * index, 3 * index + 3)),
  )
  await using stage = await Stage.set({servers, groups})
  await stage.clock.run(5_000)
  const perHost = most(stage.cluster.toldTo('h1').probes.slice(5), 1_000)
  expect(perHost).toBeGreaterThan(1)
  expect(perHost).toBeLessThanOrEqual(4)
})

test('a host that is down is not hammered: bounded attempts per minute', async () => {
  await using stage = await Stage.set()
  stage.cluster.crash('host2')
  await stage.clock.run(120_000)
  const {opens} = stage.cluster.toldTo('host2')
  expect(most(opens.slice(10), 60_000)).toBeLessThanOrEqual(60_000 / 50)
  const late = opens.filter((at) => at > stage.clock.now() - 40_000)
  expect(late.length).toBeLessThanOrEqual(80)
})

test('a server that lets us in and throws us out at once is not hammered', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  stage.cluster.door('host2', 'slamming')
  stage.cluster.terminate('host2')
  await stage.clock.run(60_000)
  expect(most(stage.cluster.toldTo('host2').opens.slice(1), 1_000)).toBeLessThanOrEqual(20)
  expect(stage.host('host2').role).toBe('unavailable')
  expect(stage.routes).toEqual([null, 'host1'])
})

test('a server that answers once and hangs up, for ever, is not hammered either', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  const until = stage.clock.now() + 60_000
  const told = stage.cluster.toldTo('host1')
  while (stage.clock.now() < until) {
    const before = told.probes.length
    await stage.clock.until(() => told.probes.length > before, 5_000)
    await stage.clock.run(1)
    stage.cluster.terminate('host1')
  }
  expect(most(told.opens, 1_000)).toBeLessThanOrEqual(22)
})

test('nothing hot-loops, whatever state a host is in', async () => {
  for (const door of ['silent', 'starting', 'slamming'] as const) {
    await using stage = await Stage.set()
    stage.cluster.door('host1', door)
    stage.cluster.terminate('host1')
    await stage.clock.run(60_000)
    for (const name of stage.cluster.names) {
      const told = stage.cluster.toldTo(name)
      expect(most(told.probes, 1_000)).toBeLessThanOrEqual(22)
      expect(most(told.opens, 1_000)).toBeLessThanOrEqual(22)
      expect(most(told.knocks, 1_000)).toBeLessThanOrEqual(3)
    }
  }
})

test('subscribers get samples once a second, also while another caller polls current()', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  const before = stage.publications.length
  stage.clock.onRest = () => void stage.monitor.current()
  await stage.clock.run(10_000)
  stage.clock.onRest = () => {}
  expect(stage.publications.length - before).toBe(10)
})
