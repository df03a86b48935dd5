import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {Stage} from '../support/stage.ts'

/** What was unavailable, and why. */
const faults = (stage: Stage, since = 0) =>
  stage.changes.slice(since).flatMap(({host, to, why}) => (to === 'unavailable' ? [`${host}: ${why}`] : []))

test('R10: a round trip beyond probe.timeout: the hosts stay available, and the primary is routed to', async () => {
  const stage = new Stage()
  stage.cluster.latencyMs = () => 600
  await stage.raise()
  await stage.clock.until(() => stage.routedTo === 'host1')
  const before = stage.changes.length
  await stage.clock.run(120_000)
  expect(faults(stage, before)).toEqual([])
  expect(stage.cluster.toldTo('host1').opens).toHaveLength(1)
  await stage[Symbol.asyncDispose]()
})

test('R3: a closed session may be opened anew for as long as that takes at this distance', async () => {
  await using stage = await Stage.set()
  stage.cluster.latencyMs = () => 200
  await stage.clock.run(20_000)
  const before = stage.changes.length
  stage.cluster.terminate('host1')
  await stage.clock.run(5_000)
  expect(stage.cluster.toldTo('host1').opens).toHaveLength(2)
  expect(faults(stage, before)).toEqual([])
})

test('R3: it may take eight round trips, since a new session asks more often than an old one', async () => {
  await using stage = await Stage.set()
  stage.cluster.latencyMs = () => 150
  await stage.clock.run(20_000)
  const before = stage.changes.length
  const {opens} = stage.cluster.toldTo('host1')
  stage.cluster.terminate('host1')
  await stage.clock.until(() => opens.length === 2, 1_000)
  stage.cluster.latencyMs = () => 800
  await stage.clock.run(1_700)
  expect(faults(stage, before).filter((fault) => fault.startsWith('host1'))).toEqual([])
  expect(stage.cluster.toldTo('host1').openSessions).toBe(1)
})

test('R5: knocks get no answer while the answers of the session are slow: the host is not hung', async () => {
  await using stage = await Stage.set({probe: {knockIntervalMs: 1_000}})
  await stage.clock.run(20_000)
  const before = stage.changes.length
  const {knocks} = stage.cluster.toldTo('host1')
  const begun = knocks.length
  stage.cluster.latencyMs = () => 150
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => knocks.length === begun + 3)
  stage.cluster.door('host1', 'open')
  await stage.clock.run(10_000)
  expect(faults(stage, before)).toEqual([])
})

test('R5: an answer that is still under way, and late, is slow too', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    await using stage = await Stage.set({seed, probe: {knockIntervalMs: 1_000, intervalMs: 300}})
    await stage.clock.run(20_000)
    const before = stage.changes.length
    const {knocks} = stage.cluster.toldTo('host1')
    const begun = knocks.length
    stage.cluster.door('host1', 'silent')
    await stage.clock.until(() => knocks.length === begun + 2)
    // A probe leaves within 300 ms, and is not answered before the second knock is given up.
    stage.cluster.latencyMs = () => 990
    await stage.clock.run(1_100)
    expect(faults(stage, before).filter((fault) => fault.includes('hung'))).toEqual([])
  }
})

test('R5: where round trips vary, three silent knocks make no host hung, and four do', async () => {
  for (const silent of [3, 4]) {
    await using stage = await Stage.set({probe: {knockIntervalMs: 1_000}})
    let trips = 0
    stage.cluster.latencyMs = () => {
      trips += 1
      return trips % 5 === 0 ? 600 : 2
    }
    await stage.clock.run(20_000)
    const before = stage.changes.length
    const {knocks} = stage.cluster.toldTo('host1')
    stage.cluster.latencyMs = () => 2
    const begun = knocks.length
    await stage.clock.until(() => knocks.length > begun)
    await stage.clock.run(10)
    stage.cluster.door('host1', 'silent')
    await stage.clock.until(() => knocks.length === begun + 1 + silent, 15_000)
    await stage.clock.run(10)
    if (silent === 3) stage.cluster.door('host1', 'open')
    await stage.clock.run(silent === 3 ? 10_000 : 3_000)
    const hung = faults(stage, before).filter((fault) => fault.includes('hung'))
    expect(hung, `${silent} silent knocks`).toHaveLength(silent === 3 ? 0 : 1)
  }
})

test('R5: a network that stays slow excuses no host for ever: the silent postmaster is hung', async () => {
  await using stage = await Stage.set({probe: {knockIntervalMs: 1_000}})
  await stage.clock.run(20_000)
  stage.cluster.latencyMs = () => 150
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => causeOf(stage.host('host1')) === 'hung', 30_000)
})

test('R11: max_age is too short for the round trip: one line in the log names the one to set', async () => {
  const stage = new Stage()
  stage.cluster.latencyMs = () => 1_200
  await stage.raise()
  await stage.clock.run(300_000)
  const warnings = stage.said.filter((line) => line.includes('probe.max_age'))
  expect(new Set(warnings).size).toBe(warnings.length)
  expect(warnings.length).toBeGreaterThan(0)
  expect(warnings[0]).toMatch(/^warn: .*set probe.max_age to \S+ or more$/)
  await stage[Symbol.asyncDispose]()
})
