import {expect, test} from 'vitest'
import {Stage} from '../support/stage.ts'

/** Probes alone: nothing tells of a promotion before the next one is due. */
const probesAlone = {pingIntervalMs: 0, fastPingIntervalMs: 0}
const calm = async () => {
  const stage = await Stage.set({probe: probesAlone})
  await stage.clock.run(13_333)
  return stage
}

test('a promotion is known at once: the answer comes with the probe, and tells the new role', async () => {
  await using stage = await calm()
  stage.cluster.crash('host1')
  await stage.clock.run(90_000)
  stage.cluster.promote('host2')
  const before = stage.clock.now()
  expect(await stage.clock.through(stage.monitor.poke('host2'))).toEqual({
    role: 'primary',
    cause: null,
    done: 'host2 is a primary',
  })
  expect(stage.clock.now() - before).toBeLessThanOrEqual(2)
  await stage.clock.run(10)
  expect(stage.routedTo).toBe('host2')
})

test('a probe that was under way does not count: it was asked before', async () => {
  await using stage = await calm()
  const {probes} = stage.cluster.toldTo('host2')
  stage.cluster.latencyMs = () => 50
  await stage.clock.until(() => probes.at(-1) === stage.clock.now(), 2_000)
  await stage.clock.run(1)
  const underWay = probes.length
  const poked = await stage.clock.through(stage.monitor.poke('host2'))
  expect(poked.role).toBe('standby')
  expect(probes.length).toBe(underWay + 1)
  expect(stage.host('host2').askedAt).toBe(probes.at(-1))
})

test('a host that was down is connected to at once, whatever the pause between two attempts', async () => {
  await using stage = await calm()
  stage.cluster.crash('host3')
  await stage.clock.run(120_000)
  const {opens} = stage.cluster.toldTo('host3')
  const before = opens.length
  await stage.clock.until(() => opens.length > before)
  await stage.clock.run(5)
  stage.cluster.start('host3')
  const at = stage.clock.now()
  expect(await stage.clock.through(stage.monitor.poke('host3'))).toMatchObject({role: 'standby', cause: null})
  expect(stage.clock.now() - at).toBeLessThanOrEqual(5)
})

test('a host that is down: the answer tells why', async () => {
  await using stage = await calm()
  stage.cluster.crash('host3')
  await stage.clock.run(120_000)
  expect(await stage.clock.through(stage.monitor.poke('host3'))).toEqual({
    role: 'unavailable',
    cause: 'refused',
    done: 'host3 is unavailable (refused)',
  })
})

test('a host that hangs keeps the caller waiting for five seconds at most', async () => {
  await using stage = await calm()
  stage.cluster.freeze('host3')
  await stage.clock.run(20_000)
  const before = stage.clock.now()
  const [one, other] = [stage.monitor.poke('host3'), stage.monitor.poke('host3')]
  expect(await stage.clock.through(one)).toMatchObject({role: 'unavailable', cause: 'timeout'})
  expect(await stage.clock.through(other)).toMatchObject({role: 'unavailable', cause: 'timeout'})
  expect(stage.clock.now() - before).toBeLessThanOrEqual(5_000)
})

test('a host that no configuration names is refused; a stop ends the wait', async () => {
  const stage = await calm()
  await expect(stage.monitor.poke('host9')).rejects.toMatchObject({code: 'UNKNOWN_HOST'})
  stage.cluster.freeze('host3')
  const poked = stage.monitor.poke('host3')
  expect(await stage.strike()).toBe(0)
  await expect(poked).resolves.toMatchObject({done: expect.any(String)})
  await stage.clock.run(10_000)
  expect(stage.clock.pending).toBe(0)
})
