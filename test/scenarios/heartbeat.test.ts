import {expect, test} from 'vitest'
import {blankMemory, nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {wrote} from '../support/records.ts'
import {Stage} from '../support/stage.ts'

const availability = {intervalMs: 1_000, table: 'public.pgr66_avc', limitMs: 10_000}
const writesSince = (stage: Stage, name: string, since: number) =>
  stage.cluster.toldTo(name).writes.filter((at) => at > since)

test('the heartbeat writes to the routed primary, and to no standby', async () => {
  await using stage = await Stage.set({availability})
  await stage.clock.run(10_000)
  expect(writesSince(stage, 'host1', 0).length).toBeGreaterThanOrEqual(9)
  expect(writesSince(stage, 'host2', 0)).toEqual([])
  expect(stage.cluster.toldTo('host2').beats.length).toBeGreaterThanOrEqual(9)
})

test('V1: in a split brain the heartbeat writes to no rival', async () => {
  await using stage = await Stage.set({availability})
  await stage.clock.run(10_000)
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  const since = stage.clock.now()
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V1')
  expect([...writesSince(stage, 'host1', since), ...writesSince(stage, 'host2', since)]).toEqual([])
})

test('V2: the heartbeat does not write to an old primary that came back', async () => {
  const old = {...blankMemory, wrote: [wrote(2)]}
  await using stage = await Stage.set({availability, memory: {...nothingRemembered, groups: {all: old}}})
  await stage.clock.run(10_000)
  expect(stage.verdict().rule).toBe('V2')
  expect(stage.cluster.toldTo('host1').writes).toEqual([])
})

test('V0: the heartbeat writes to no primary while another host was not asked yet', async () => {
  await using stage = new Stage({availability})
  stage.cluster.freeze('host2')
  await stage.raise()
  await stage.clock.run(2_900)
  expect(stage.verdict().rule).toBe('V0')
  expect(stage.host('host1').role).toBe('primary')
  expect(stage.cluster.toldTo('host1').writes).toEqual([])
})
