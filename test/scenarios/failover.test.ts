import {expect, test} from 'vitest'
import {Stage} from '../support/stage.ts'

test('all is well: the primary is routed, one session per host, one probe a second', async () => {
  await using stage = await Stage.set()
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  await stage.clock.run(70_000)
  for (const name of stage.cluster.names) {
    const told = stage.cluster.toldTo(name)
    expect(told.opens.length).toBe(1)
    expect(told.probes.length).toBeLessThan(70 + 100)
  }
})

test('the primary crashes: nobody is routed within milliseconds', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(3_333)
  stage.cluster.crash('host1')
  expect(await stage.clock.until(() => stage.routedTo === null)).toBeLessThan(2)
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', cause: 'refused'})
})
