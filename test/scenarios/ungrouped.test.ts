import {expect, test} from 'vitest'
import {groupSettings, monitorSettings} from '../support/settings.ts'
import {Stage} from '../support/stage.ts'

/** host1 and host2 are a group; no group names host3. */
async function staged() {
  const stage = new Stage()
  stage.settings = monitorSettings(stage.settings.hosts, {groups: [groupSettings('one', ['host1', 'host2'])]})
  await stage.raise()
  await stage.clock.through(stage.monitor.ready)
  return stage
}

test('ungrouped host: a crash is published as a change of its role, and changes no verdict', async () => {
  await using stage = await staged()
  await stage.clock.run(5_000)
  expect(stage.host('host3')).toMatchObject({role: 'standby', groups: []})
  expect(Object.keys(stage.monitor.current().groups)).toEqual(['one'])
  stage.cluster.crash('host3')
  await stage.clock.until(() => stage.host('host3').role === 'unavailable', 10)
  expect(stage.changes.at(-1)).toMatchObject({kind: 'role', host: 'host3', group: null, to: 'unavailable'})
  expect(stage.routedTo).toBe('host1')
})

test('ungrouped host: a stale answer is not repeated', async () => {
  await using stage = await staged()
  await stage.clock.run(5_000)
  const stalled = stage.clock.stall(4_000)
  expect(stage.host('host3')).toMatchObject({role: 'unavailable', cause: 'stale'})
  await stalled
})

test('ungrouped host: reloads move it into a group and out again, over one session', async () => {
  await using stage = await staged()
  const ungrouped = stage.settings
  stage.settings = monitorSettings(ungrouped.hosts, {groups: [groupSettings('one', ['host1', 'host2', 'host3'])]})
  await stage.clock.through(stage.monitor.reload(stage.settings))
  await stage.clock.run(1_000)
  expect(stage.host('host3').groups).toEqual(['one'])
  stage.settings = ungrouped
  await stage.clock.through(stage.monitor.reload(ungrouped))
  await stage.clock.run(1_000)
  expect(stage.host('host3')).toMatchObject({role: 'standby', groups: []})
  expect(stage.cluster.toldTo('host3').opens.length).toBe(1)
})
