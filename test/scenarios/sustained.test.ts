import {expect, test} from 'vitest'
import {Stage, type StageOptions} from '../support/stage.ts'

/** V4 on host1, which writes all the time. */
async function writing(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set(options)
  await stage.clock.run(13_333)
  expect(stage.routedTo).toBe('host1')
  return stage
}

const unreachable = {rule: 'V4', situation: 'unreachable-but-followed', routedTo: 'host1', primaries: []}

test('a cut between us and the primary: it stays routed while its standbys receive from it', async () => {
  await using stage = await writing()
  stage.cluster.cut('host1')
  await stage.clock.run(20_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  expect(stage.verdict().why).toContain('host2 and host3 go on receiving from it')
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'timeout'})
  stage.cluster.heal('host1')
  await stage.clock.until(() => stage.verdict().situation === 'healthy', 3_100)
  expect(stage.routes).toEqual([null, 'host1'])
})

test('connections to the primary are reset: it is routed again as soon as a standby has heard from it', async () => {
  await using stage = await writing()
  stage.cluster.door('host1', 'refusing')
  await stage.clock.until(() => stage.verdict().situation === 'unreachable-but-followed', 1_000)
  await stage.clock.run(20_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  expect(stage.routes).toEqual([null, 'host1', null, 'host1'])
})

test('it ends after sustain, and does not begin again before the primary was seen', async () => {
  await using stage = await writing({group: {sustainMs: 5_000}})
  stage.cluster.cut('host1')
  await stage.clock.run(4_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  await stage.clock.run(60_000)
  expect(stage.verdict()).toMatchObject({rule: 'V5', routedTo: null})
  expect(stage.routes).toEqual([null, 'host1', null])
  stage.cluster.heal('host1')
  await stage.clock.run(12_000)
  stage.cluster.cut('host1')
  await stage.clock.run(4_000)
  expect(stage.verdict()).toMatchObject(unreachable)
})

test('sustain: 0 turns it off', async () => {
  await using stage = await writing({group: {sustainMs: 0}})
  stage.cluster.cut('host1')
  await stage.clock.run(4_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('the primary dies while it is sustained: no primary two seconds later', async () => {
  await using stage = await writing()
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  stage.cluster.powerOff('host1')
  await stage.clock.run(2_100)
  expect(stage.verdict().rule).toBe('V5')
  stage.cluster.start('host1')
  stage.cluster.cut('host1')
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('the first proof comes too late: the writers were turned away already', async () => {
  await using stage = await writing()
  for (const host of ['host2', 'host3']) stage.cluster.unlink(host)
  await stage.clock.run(2_500)
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  for (const host of ['host2', 'host3']) stage.cluster.relink(host)
  await stage.clock.run(5_000)
  expect(stage.verdict().rule).toBe('V5')
})

test.each([
  ['crash', 'its kernel closes every connection'],
  ['powerOff', 'nothing is said'],
  ['freeze', 'everything in it stands still'],
  ['stop', 'it says so'],
  ['halt', 'it says so'],
] as const)('a primary that is gone is not sustained: %s (%s)', async (how, _) => {
  await using stage = await writing()
  stage.cluster[how]('host1')
  await stage.clock.run(15_000)
  expect(stage.verdict().rule).toBe('V5')
  expect(stage.routes).toEqual([null, 'host1', null])
})

test('an operator ended our session: that may be a shutdown, so nothing is sustained', async () => {
  await using stage = await writing()
  stage.cluster.terminate('host1')
  stage.cluster.cut('host1')
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('the primary is cut off with a minority of the standbys: no primary', async () => {
  await using stage = await writing({servers: ['host1', 'host2', 'host3', 'host4', 'host5']})
  for (const host of ['host3', 'host4', 'host5']) stage.cluster.unlink(host)
  stage.cluster.cut('host1')
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('an idle primary proves nothing: its last message is old', async () => {
  await using stage = await writing()
  stage.cluster.server('host1').bytesPerMs = 0
  await stage.clock.run(5_000)
  stage.cluster.cut('host1')
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('through a cascade: each link must have heard, the first from the primary', async () => {
  await using stage = await writing({servers: ['host1', 'host2', 'host3']})
  stage.cluster.follow('host3', 'host2')
  await stage.clock.run(3_000)
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  expect(stage.verdict().why).toContain('host2 and host3 go on receiving from it')
  stage.cluster.unlink('host2')
  await stage.clock.run(5_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('a required confirmation that does not confirm ends it', async () => {
  await using stage = await writing({group: {confirm: ['followers']}})
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  await using other = await writing({group: {confirm: ['majority']}, servers: ['host1', 'host2', 'host3', 'host4']})
  other.cluster.cut('host1')
  other.cluster.cut('host4')
  await other.clock.run(5_000)
  expect(other.verdict().rule).toBe('V5')
})

test('a restart of the monitor begins without it', async () => {
  await using stage = await writing()
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  expect(stage.verdict()).toMatchObject(unreachable)
  await stage.strike()
  await stage.raise()
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V5')
})

test('another primary beside a sustained one: a split brain, of which one is unseen', async () => {
  await using stage = await writing()
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  stage.cluster.promote('host2')
  await stage.clock.run(60_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', situation: 'two-primaries-one-unseen', primaries: ['host2']})
  expect(stage.routes).toEqual([null, 'host1', null])
  stage.cluster.heal('host1')
  stage.cluster.rebuild('host1', 'host2')
  await stage.clock.until(() => stage.routedTo === 'host2', 3_100)
})

test('a standby hears from the old primary after its successor answered: a split brain', async () => {
  await using stage = await writing({group: {sustainMs: 0}})
  stage.cluster.cut('host1')
  await stage.clock.run(5_000)
  expect(stage.verdict().rule).toBe('V5')
  stage.cluster.promote('host2')
  await stage.clock.run(10_000)
  expect(stage.verdict()).toMatchObject({rule: 'V1', situation: 'two-primaries-one-unseen', primaries: ['host2']})
})

test('a successor of a dead primary is routed to, though a standby still looks streaming', async () => {
  await using stage = await writing()
  stage.cluster.freeze('host1')
  await stage.clock.run(3_000)
  expect(stage.verdict().rule).toBe('V5')
  stage.cluster.promote('host2')
  await stage.clock.run(20_000)
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host2'})
})
