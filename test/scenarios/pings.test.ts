import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {Stage, type StageOptions} from '../support/stage.ts'

/** Past the fast pace, and in the middle of an interval. */
async function calm(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set(options)
  await stage.clock.run(13_333)
  return stage
}
const faults = (stage: Stage) => stage.changes.filter(({kind, to}) => kind === 'role' && to === 'unavailable')
const gaps = (times: readonly number[]) => times.slice(1).map((at, index) => at - (times[index] ?? 0))

test('at rest: a ping every 200 ms between the probes, and no more probes or sessions than without', async () => {
  await using stage = await calm()
  const told = stage.cluster.toldTo('host2')
  const [pings, probes, opens] = [told.pings.length, told.probes.length, told.opens.length]
  await stage.clock.run(60_000)
  expect(told.probes.length - probes).toBe(60)
  expect(told.pings.length - pings).toBe(4 * 60)
  expect(told.opens.length).toBe(opens)
})

test('while a group is stirred: a question every 20 ms', async () => {
  await using stage = await calm()
  stage.cluster.crash('host1')
  await stage.clock.run(100)
  const told = stage.cluster.toldTo('host2')
  const before = told.pings.length + told.probes.length
  await stage.clock.run(1_000)
  expect(told.pings.length + told.probes.length - before).toBeGreaterThanOrEqual(45)
})

test('no ping goes beside a question: nothing is sent while the answer is under way', async () => {
  await using stage = await calm()
  stage.cluster.latencyMs = () => 150
  await stage.clock.run(2_000)
  const told = stage.cluster.toldTo('host1')
  const before = stage.clock.now()
  await stage.clock.run(20_000)
  const questions = [...told.pings, ...told.probes].filter((at) => at > before).sort((one, other) => one - other)
  const pings = told.pings.filter((at) => at > before)
  expect(pings.length).toBeGreaterThan(10)
  const since = pings.map((at) => at - (questions[questions.indexOf(at) - 1] ?? 0))
  // Some answers come back without a delay.
  expect(Math.min(...since)).toBeGreaterThanOrEqual(150)
})

test('a slow answer ends the pings for ten seconds: where packets get lost, a ping delays the probe', async () => {
  await using stage = await calm()
  stage.cluster.latencyMs = () => 150
  await stage.clock.run(1_000)
  stage.cluster.latencyMs = () => 1
  await stage.clock.run(1_000)
  const told = stage.cluster.toldTo('host1')
  const [pings, probes] = [told.pings.length, told.probes.length]
  await stage.clock.run(8_000)
  expect([told.pings.length - pings, told.probes.length - probes]).toEqual([0, 8])
  await stage.clock.run(5_000)
  expect(told.pings.length - pings).toBeGreaterThan(5)
})

test('slow again soon after that, the session is not pinged for twice as long', async () => {
  await using stage = await calm()
  const slow = async () => {
    stage.cluster.latencyMs = () => 150
    await stage.clock.run(400)
    stage.cluster.latencyMs = () => 1
  }
  const told = stage.cluster.toldTo('host1')
  await slow()
  await stage.clock.run(12_000)
  await slow()
  const before = told.pings.length
  await stage.clock.run(18_000)
  expect(told.pings.length - before).toBeLessThan(2)
  await stage.clock.run(5_000)
  expect(told.pings.length - before).toBeGreaterThan(5)
})

test('a promotion at rest is known with the next ping and one probe', async () => {
  await using stage = await calm()
  stage.cluster.promote('host2')
  expect(await stage.clock.until(() => stage.host('host2').role === 'primary')).toBeLessThanOrEqual(206)
})

test('a promotion while the group is stirred is known within 30 ms', async () => {
  await using stage = await calm()
  stage.cluster.crash('host1')
  await stage.clock.run(2_000)
  stage.cluster.promote('host2')
  expect(await stage.clock.until(() => stage.routedTo === 'host2')).toBeLessThanOrEqual(30)
})

test('a promotion during a probe is told with its answer: the next probe follows at once', async () => {
  await using stage = await calm()
  stage.cluster.latencyMs = () => 30
  const {probes} = stage.cluster.toldTo('host2')
  await stage.clock.until(() => probes.at(-1) === stage.clock.now(), 2_000)
  stage.cluster.promote('host2')
  const before = probes.length
  await stage.clock.until(() => probes.length > before)
  expect(stage.clock.now() - (probes.at(-2) ?? 0)).toBeLessThanOrEqual(65)
})

test('a ping alone changes no role: the probe that it starts does', async () => {
  await using stage = await calm()
  stage.cluster.promote('host2')
  const {probes} = stage.cluster.toldTo('host2')
  const before = stage.clock.now()
  await stage.clock.until(() => stage.host('host2').role === 'primary')
  const {askedAt} = stage.host('host2')
  expect(probes).toContain(askedAt)
  expect(askedAt).toBeGreaterThan(before)
})

test('S6: an answered ping makes no answer fresh: without a probe the host is stale after max_age', async () => {
  await using stage = await calm({probe: {intervalMs: 60_000, fastIntervalMs: 60_000, timeoutMs: 500}})
  const {askedAt} = stage.host('host2')
  await stage.clock.run(5_000)
  expect(stage.cluster.toldTo('host2').pings.at(-1)).toBeGreaterThan(stage.clock.now() - 300)
  expect(stage.host('host2')).toMatchObject({role: 'unavailable', cause: 'stale', askedAt})
})

test('a server that tells of a change with every answer is probed at the fast pace', async () => {
  await using stage = await calm()
  const server = stage.cluster.server('host2')
  const {probes} = stage.cluster.toldTo('host2')
  const before = probes.length
  const flipped = stage.clock.now()
  for (let turn = 0; turn < 200; turn += 1) {
    server.changes += 1
    await stage.clock.run(10)
  }
  const perSecond = ((probes.length - before) / (stage.clock.now() - flipped)) * 1_000
  expect(perSecond).toBeGreaterThan(2)
  expect(perSecond).toBeLessThanOrEqual(11)
})

test('the whole server is frozen at rest: hung within an interval, the ping timeout and half of that', async () => {
  await using stage = await calm()
  stage.cluster.freeze('host1')
  expect(await stage.clock.until(() => stage.routedTo === null)).toBeLessThanOrEqual(200 + 750 + 15)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'hung'})
  stage.cluster.thaw('host1')
  expect(await stage.clock.until(() => stage.routedTo === 'host1')).toBeLessThanOrEqual(200)
})

test('the server is frozen while a probe is under way: the limit is the same', async () => {
  await using stage = await calm({probe: {timeoutMs: 5_000, maxAgeMs: 10_000}})
  const {probes} = stage.cluster.toldTo('host1')
  await stage.clock.until(() => probes.at(-1) === stage.clock.now(), 2_000)
  stage.cluster.freeze('host1')
  expect(await stage.clock.until(() => stage.routedTo === null)).toBeLessThanOrEqual(750 + 15)
})

test('the machine has lost its power: timeout, because no kernel accepts', async () => {
  await using stage = await calm()
  stage.cluster.powerOff('host1')
  await stage.clock.until(() => stage.routedTo === null, 1_000)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'timeout'})
})

test('a stall shorter than the alarm and its grace costs no route', async () => {
  await using stage = await calm()
  const {pings} = stage.cluster.toldTo('host1')
  await stage.clock.until(() => pings.at(-1) === stage.clock.now(), 2_000)
  stage.cluster.freeze('host1')
  await stage.clock.run(730)
  stage.cluster.thaw('host1')
  await stage.clock.run(10_000)
  expect(faults(stage)).toEqual([])
  expect(stage.cluster.toldTo('host1').opens.length).toBe(1)
})

test('the session is silent and new connections are answered: the limit of the probe decides', async () => {
  await using stage = await calm()
  const told = stage.cluster.toldTo('host1')
  const server = stage.cluster.server('host1')
  server.isSessionLost = true
  const took = await stage.clock.until(() => stage.routedTo === null)
  expect(took).toBeGreaterThan(1_000)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'timeout'})
  expect(told.knocks.filter((at) => at > stage.clock.now() - took).length).toBeGreaterThanOrEqual(2)
})

test('a knock of the alarm is refused: the host is unavailable at once, and for this reason', async () => {
  await using stage = await calm()
  const server = stage.cluster.server('host1')
  server.isSessionLost = true
  server.door = 'refusing'
  const took = await stage.clock.until(() => stage.routedTo === null)
  expect(took).toBeLessThanOrEqual(200 + 500 + 15)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'refused'})
})

test('our own event loop stood still: no alarm, and no host is blamed', async () => {
  await using stage = await calm()
  for (let turn = 0; turn < 20; turn += 1) {
    await stage.clock.run(173)
    await stage.clock.stall(900)
  }
  expect(faults(stage)).toEqual([])
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).opens.length).toBe(1)
})

test('R10: a distant host, from rest and on: its pings raise no alarm', async () => {
  await using stage = new Stage()
  stage.cluster.latencyMs = () => 380 + 20 * stage.random()
  await stage.raise()
  await stage.clock.run(20_000)
  const {knocks, pings, opens} = stage.cluster.toldTo('host1')
  const before = [knocks.length, pings.length] as const
  await stage.clock.run(60_000)
  expect(faults(stage)).toEqual([])
  expect(opens.length).toBe(1)
  expect(pings.length - before[1]).toBeGreaterThan(20)
  expect(knocks.length - before[0]).toBeLessThanOrEqual(15)
})

test('an answer now and then takes 400 ms longer: no host is called unavailable', async () => {
  await using stage = await calm()
  let trips = 0
  stage.cluster.latencyMs = () => {
    trips += 1
    return trips % 9 === 0 ? 400 : 1
  }
  await stage.clock.run(300_000)
  expect(faults(stage)).toEqual([])
})

test('PostgreSQL 13 keeps the pace of its probes, and is not pinged', async () => {
  await using stage = new Stage()
  for (const server of stage.cluster.servers) server.version = 130_023
  await stage.raise()
  await stage.clock.run(13_333)
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.host('host2').role === 'primary', 1_001)
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).pings).toEqual([])
})

test('ping_interval 0: no session is pinged', async () => {
  await using stage = await calm({probe: {pingIntervalMs: 0, fastPingIntervalMs: 0}})
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).pings).toEqual([])
})

test.each(['swallows', 'closes'] as const)(
  'what lies between %s a ping: no outage, three sessions, and then the pace of probes',
  async (betweenPings) => {
    await using stage = new Stage()
    for (const name of stage.cluster.names) stage.cluster.toldTo(name).betweenPings = betweenPings
    await stage.raise()
    await stage.clock.run(120_000)
    expect(faults(stage)).toEqual([])
    for (const name of stage.cluster.names) {
      const told = stage.cluster.toldTo(name)
      expect(told.opens.length).toBe(3)
      expect(told.pings.length).toBe(2)
      expect(gaps(told.probes.slice(-20)).every((gap) => Math.round(gap) === 1_000)).toBe(true)
    }
  },
)

test('L6: a stop leaves no timer of a ping, and none of an alarm', async () => {
  const stage = await calm()
  stage.cluster.freeze('host1')
  await stage.clock.run(620)
  expect(causeOf(stage.host('host1'))).toBeNull()
  expect(await stage.strike()).toBe(0)
  await stage.clock.run(5_000)
  expect(stage.clock.pending).toBe(0)
})
