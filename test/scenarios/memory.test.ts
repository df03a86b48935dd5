import {expect, test} from 'vitest'
import {groupSettings} from '../support/settings.ts'
import {Stage} from '../support/stage.ts'

test('the state cannot be written: said once per failure, nothing stops, and the stop tries again', async () => {
  const stage = new Stage()
  stage.store.mood = 'failing'
  await stage.raise()
  await stage.clock.run(30_000)
  expect(stage.routedTo).toBe('host1')
  const complaints = stage.said.filter((line) => line.startsWith('error'))
  expect(complaints.length).toBeGreaterThan(0)
  expect(complaints.length).toBeLessThanOrEqual(2)
  stage.store.mood = 'working'
  await stage.strike()
  expect(stage.store.memory.groups.all?.wrote.map(({timeline}) => timeline)).toEqual([1])
})

test('a newer memory that comes while an older one fails is written all the same', async () => {
  const stage = await Stage.set()
  stage.store.mood = 'failing'
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  stage.store.mood = 'working'
  stage.cluster.stop('host1')
  await stage.clock.run(1_000)
  expect(stage.store.memory.groups.all).toMatchObject({wrote: [{timeline: 1}, {timeline: 2}], rivals: []})
  await stage.strike()
})

test('the disk hangs: nothing waits for it, and the stop gives up after two seconds', async () => {
  const stage = new Stage()
  stage.store.mood = 'hanging'
  await stage.raise()
  await stage.clock.run(5_000)
  expect(stage.routedTo).toBe('host1')
  expect(await stage.strike()).toBe(2_000)
  expect(stage.clock.pending).toBe(0)
})

test('a memory at rest is not written again', async () => {
  await using stage = await Stage.set()
  for (const server of stage.cluster.servers) server.bytesPerMs = 0
  await stage.clock.run(15_000)
  const {saves} = stage.store
  await stage.clock.run(60_000)
  expect(stage.store.saves).toBe(saves)
})

test('positions alone are written every ten seconds at most', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(5_000)
  const {saves} = stage.store
  await stage.clock.run(60_000)
  expect(stage.store.saves - saves).toBeGreaterThan(3)
  expect(stage.store.saves - saves).toBeLessThanOrEqual(6)
})

test('a stop at any moment takes no time and leaves neither a timer nor a session', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const stage = new Stage({seed, servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})
    stage.cluster.latencyMs = () => stage.random() * 40
    await stage.raise()
    await stage.clock.run(stage.random() * 100)
    if (seed % 3 === 0) stage.cluster.freeze('host1')
    if (seed % 3 === 1) stage.cluster.terminate('host1')
    await stage.clock.run(stage.random() * 1_500)
    expect(await stage.strike()).toBe(0)
    await stage.clock.run(10_000)
    expect(stage.clock.pending).toBe(0)
    for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).openSessions).toBe(0)
  }
})

test.each([
  {servers: ['host1', 'host2'], away: ['host1']},
  {servers: ['host1', 'host2', 'host3'], away: ['host1', 'host3']},
])(
  'begun while most hosts were away: the old primary that returns alone is not believed ($servers.length hosts)',
  async ({servers, away}) => {
    await using stage = new Stage({servers})
    for (const host of away) stage.cluster.crash(host)
    stage.cluster.promote('host2')
    await stage.raise()
    await stage.clock.run(10_000)
    expect(stage.routedTo).toBe('host2')
    stage.cluster.powerOff('host2')
    await stage.clock.run(5_000)
    stage.cluster.start('host1')
    await stage.clock.run(30_000)
    expect([stage.routedTo, stage.verdict().rule]).toEqual([null, 'V2'])
    await stage.clock.through(stage.monitor.accept('host1', {by: 'anna', reason: null}))
    await stage.clock.run(5_000)
    expect(stage.routedTo).toBe('host1')
  },
)

test.each(['a reload', 'a restart'])(
  'a group that is given another name by %s keeps its split brain and its timelines',
  async (how) => {
    await using stage = await Stage.set({
      servers: ['host1', 'host2', 'host3'],
      groups: [groupSettings('old', ['host1', 'host2', 'host3'])],
    })
    stage.cluster.promote('host2')
    await stage.clock.run(3_000)
    stage.cluster.cut('host2')
    await stage.clock.run(5_000)
    const settings = {...stage.settings, groups: [groupSettings('new', ['host1', 'host2', 'host3'])]}
    if (how === 'a reload') await stage.clock.through(stage.monitor.reload(settings))
    else {
      await stage.strike()
      stage.settings = settings
      await stage.raise()
    }
    await stage.clock.run(10_000)
    const {verdict} = stage.monitor.current().groups.new ?? {}
    expect([verdict?.rule, verdict?.routedTo]).toEqual(['V1', null])
    // A rival that stops is out: the memory moves on under the new name.
    stage.cluster.stop('host1')
    await stage.clock.run(5_000)
    expect(Object.keys(stage.store.memory.groups)).toEqual(['new'])
    expect(stage.store.memory.groups.new).toMatchObject({wrote: [{timeline: 1}, {timeline: 2}], rivals: []})
  },
)
