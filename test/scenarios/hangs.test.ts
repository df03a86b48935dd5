import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {Stage} from '../support/stage.ts'

const availability = {intervalMs: 1_000, table: 'public.pgr66_avc', limitMs: 10_000}

test('the process group of the primary is stopped: its question times out, and routers get no primary', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.freeze('host1')
  expect(await stage.clock.until(() => stage.routedTo === null)).toBeLessThanOrEqual(2_001)
  stage.cluster.thaw('host1')
  expect(await stage.clock.until(() => stage.routedTo === 'host1')).toBeLessThanOrEqual(200)
})

test('a stopped standby delays no question to the primary, and no answer about it', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_000)
  stage.cluster.freeze('host2')
  const before = stage.cluster.toldTo('host1').probes.length
  await stage.clock.run(30_000)
  const probes = stage.cluster.toldTo('host1').probes.slice(before)
  const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1_001)
  expect(stage.routes).toEqual([null, 'host1'])
  expect(stage.host('host2').role).toBe('unavailable')
})

test('R5: only the postmaster is stopped: the knock finds out within its interval and two timeouts', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  stage.cluster.door('host1', 'silent')
  const took = await stage.clock.until(() => stage.routedTo === null)
  expect(took).toBeLessThanOrEqual(5_000 + 2 * 1_000 + 1)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'hung'})
  expect(stage.cluster.toldTo('host1').openSessions).toBe(1)
})

test('R5: probes through the old session do not clear what two silent knocks found', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => stage.routedTo === null)
  const {probes} = stage.cluster.toldTo('host1')
  const before = [probes.length, stage.publications.length] as const
  await stage.clock.run(20_000)
  expect(probes.length - before[0]).toBeGreaterThan(10)
  const since = stage.publications.slice(before[1])
  expect(since.filter(({snapshot}) => snapshot.hosts.host1?.role !== 'unavailable')).toEqual([])
})

test('R5: a new session that answers clears what the knocks found, before the next knock', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => stage.routedTo === null)
  const {knocks} = stage.cluster.toldTo('host1')
  const begun = knocks.length
  // Between two pairs of knocks, so that none is under way.
  await stage.clock.until(() => knocks.length === begun + 2, 5_000)
  await stage.clock.run(1_050)
  stage.cluster.crash('host1')
  stage.cluster.start('host1')
  const before = knocks.length
  await stage.clock.until(() => stage.routedTo === 'host1', 1_000)
  expect(knocks.length).toBe(before)
})

test('a single lost knock is repeated before it counts', async () => {
  await using stage = await Stage.set()
  const {knocks} = stage.cluster.toldTo('host1')
  await stage.clock.run(20_000)
  const before = knocks.length
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => knocks.length === before + 2, 7_000)
  stage.cluster.door('host1', 'open')
  await stage.clock.run(10_000)
  expect(stage.changes.filter(({to}) => to === 'unavailable')).toEqual([])
})

test('the postmaster goes on: the next knock clears the host within two seconds', async () => {
  await using stage = await Stage.set()
  stage.cluster.door('host1', 'silent')
  await stage.clock.until(() => causeOf(stage.host('host1')) === 'hung', 10_000)
  await stage.clock.run(30_000)
  stage.cluster.door('host1', 'open')
  expect(await stage.clock.until(() => stage.routedTo === 'host1')).toBeLessThanOrEqual(2_100)
})

test('smart shutdown: pgroute66 closes the session that the shutdown waits for', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(20_000)
  stage.cluster.door('host1', 'stopping')
  await stage.clock.until(() => stage.routedTo === null, 5_100)
  await stage.clock.run(10)
  expect(stage.cluster.server('host1').isRunning).toBe(false)
  await stage.clock.run(1_000)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'refused'})
  stage.cluster.start('host1')
  await stage.clock.until(() => stage.routedTo === 'host1', 1_100)
})

test('R6: the session of the heartbeat does not hold a smart shutdown up either', async () => {
  await using stage = await Stage.set({availability})
  await stage.clock.run(20_000)
  expect(stage.cluster.server('host1').backends.size).toBe(2)
  stage.cluster.door('host1', 'stopping')
  await stage.clock.until(() => stage.routedTo === null, 5_100)
  await stage.clock.run(10)
  expect(stage.cluster.server('host1').isRunning).toBe(false)
})

test('pg_terminate_backend changes no answer', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  const before = stage.publications.flatMap(({changes}) => changes).length
  stage.cluster.terminate('host1')
  stage.cluster.terminate('host2')
  await stage.clock.run(3_000)
  expect(stage.changes.length).toBe(before)
  expect(stage.cluster.toldTo('host1').opens.length).toBe(2)
})

test('pg_terminate_backend in the middle of a question changes no answer either', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    await using stage = await Stage.set({seed})
    stage.cluster.latencyMs = () => 20
    await stage.clock.run(13_000)
    await stage.clock.until(() => stage.cluster.toldTo('host1').probes.at(-1) === stage.clock.now(), 2_000)
    await stage.clock.run(10)
    const before = stage.changes.length
    stage.cluster.terminate('host1')
    await stage.clock.run(3_000)
    expect(stage.changes.length).toBe(before)
  }
})

test('closed session, no answer to a new one: unavailable after 250 ms', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.door('host1', 'silent')
  stage.cluster.terminate('host1')
  const took = await stage.clock.until(() => stage.routedTo === null)
  expect(took).toBeGreaterThan(200)
  expect(took).toBeLessThan(252)
})

test('frozen storage: a heartbeat that does not commit makes the primary hung, until one commits', async () => {
  await using stage = await Stage.set({availability})
  await stage.clock.run(13_333)
  expect(stage.host('host2').availability).toMatchObject({kind: 'ok'})
  stage.cluster.server('host1').isStorageFrozen = true
  await stage.clock.until(() => stage.routedTo === null, 3_000)
  const before = stage.publications.length
  await stage.clock.run(10_000)
  const since = stage.publications.slice(before).map(({snapshot}) => snapshot.hosts.host1)
  expect(since.length).toBeGreaterThan(5)
  for (const host of since) expect(host).toMatchObject({role: 'unavailable', cause: 'hung'})
  stage.cluster.server('host1').isStorageFrozen = false
  await stage.clock.until(() => stage.routedTo === 'host1', 2_100)
})

test('event loop gap longer than max_age: no route before every host has answered anew', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(13_333)
  stage.cluster.freeze('host2')
  const stalled = stage.clock.stall(4_000)
  expect(stage.verdict()).toMatchObject({rule: 'V0', routedTo: null})
  await stalled
  expect(await stage.clock.until(() => stage.routedTo === 'host1')).toBeLessThanOrEqual(2_001)
})

test('a suspended machine wakes up after a failover: the old primary that answers first gets no route', async () => {
  await using stage = await Stage.set({servers: ['host1', 'host2']})
  await stage.clock.run(13_333)
  stage.cluster.promote('host2')
  stage.clock.jumpWall(3_600_000)
  stage.cluster.latencyMs = () => 100
  await stage.clock.run(5_000)
  expect(stage.verdict().rule).toBe('V1')
  const after = stage.publications.filter(({snapshot}) => snapshot.at > 1_790_003_600_000)
  expect(after.every(({snapshot}) => snapshot.groups.all?.verdict.routedTo === null)).toBe(true)
})

test('S6: an answer counts from the moment its question was sent, not from the moment it came', async () => {
  await using stage = await Stage.set()
  stage.cluster.latencyMs = () => 400
  await stage.clock.run(30_500)
  const {askedAt} = stage.host('host1')
  expect(stage.cluster.toldTo('host1').probes).toContain(askedAt)
})
