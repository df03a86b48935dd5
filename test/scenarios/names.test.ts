import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {groupSettings, monitorSettings} from '../support/settings.ts'
import {Stage} from '../support/stage.ts'
import {begun, branched} from '../support/wal.ts'

const twoNames = {servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1', alias2: 'host1'}} as const
const splitBrains = (stage: Stage) => stage.changes.filter(({to}) => to === 'split-brain')

test('three names of one primary: one is shown, the others are duplicates, and never a split brain', async () => {
  await using stage = await Stage.set(twoNames)
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  expect(stage.host('alias1')).toMatchObject({role: 'unavailable', cause: 'duplicate'})
  expect(stage.host('alias2')).toMatchObject({role: 'unavailable', cause: 'duplicate'})
  expect(splitBrains(stage)).toEqual([])
})

test('the shown name stops answering (its DNS, its network): one of the others takes over, and one only', async () => {
  await using stage = await Stage.set(twoNames)
  await stage.clock.run(5_000)
  stage.cluster.toldTo('host1').isUnreachable = true
  stage.cluster.terminate('host1')
  await stage.clock.until(() => stage.routedTo?.startsWith('alias') === true, 2_000)
  await stage.clock.run(5_000)
  stage.cluster.toldTo('host1').isUnreachable = false
  await stage.clock.run(10_000)
  expect(splitBrains(stage)).toEqual([])
  expect(stage.routedTo).not.toBeNull()
})

test('the shown name loses its session and its way, the others keep theirs: one heir, and one only', async () => {
  await using stage = await Stage.set(twoNames)
  await stage.clock.run(5_000)
  stage.cluster.toldTo('host1').isUnreachable = true
  stage.cluster.toldTo('host1').drop()
  await stage.clock.until(() => stage.routedTo?.startsWith('alias') === true, 2_000)
  await stage.clock.run(5_000)
  expect(splitBrains(stage)).toEqual([])
  expect(stage.cluster.names.filter((name) => stage.host(name).role === 'primary')).toHaveLength(1)
})

test('the server hangs: no other name of it inherits on an answer from before', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    await using stage = await Stage.set({...twoNames, seed})
    stage.cluster.latencyMs = () => 0.1 + stage.random() * 20
    await stage.clock.run(13_000 + seed * 77)
    const before = stage.changes.length
    stage.cluster.freeze('host1')
    await stage.clock.run(5_000)
    expect(stage.changes.slice(before).filter(({to}) => to === 'primary')).toEqual([])
  }
})

test('a name comes for the first time while the other one reconnects: not shown as a second primary', async () => {
  await using stage = new Stage({servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})
  const [host1, alias1] = [stage.cluster.toldTo('host1'), stage.cluster.toldTo('alias1')]
  stage.cluster.latencyMs = () => 50
  alias1.isUnreachable = true
  await stage.raise()
  await stage.clock.run(20_000)
  alias1.isUnreachable = false
  const attempts = alias1.opens.length
  await stage.clock.until(() => alias1.opens.length > attempts, 2_000)
  await stage.clock.run(5)
  host1.drop()
  await stage.clock.run(5_000)
  expect(splitBrains(stage)).toEqual([])
  expect(causeOf(stage.host('alias1'))).toBe('duplicate')
})

test('split brain, one server with two names: a name that returns hides the other only once it answers', async () => {
  await using stage = await Stage.set({servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})
  await stage.clock.run(5_000)
  stage.cluster.toldTo('host1').isUnreachable = true
  stage.cluster.toldTo('host1').drop()
  await stage.clock.until(() => stage.routedTo === 'alias1', 2_000)
  stage.cluster.promote('host2')
  await stage.clock.until(() => stage.verdict().rule === 'V1', 2_000)
  stage.cluster.toldTo('host1').isUnreachable = false
  await stage.clock.run(5_000)
  expect(stage.verdict().rule).toBe('V1')
  expect(stage.routes).not.toContain('host2')
})

test('the server restarts at once: its names come back in any order, and never as two primaries', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    await using stage = await Stage.set({...twoNames, seed})
    stage.cluster.latencyMs = () => 0.1 + stage.random() * 20
    await stage.clock.run(3_000 + seed * 50)
    stage.cluster.crash('host1')
    stage.cluster.start('host1')
    await stage.clock.run(3_000)
    expect(splitBrains(stage)).toEqual([])
    expect(stage.routedTo).not.toBeNull()
  }
})

test('the operator removes the first of two names: the other is no longer a duplicate', async () => {
  await using stage = await Stage.set({servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})
  await stage.clock.run(1_000)
  const hosts = stage.settings.hosts.filter(({name}) => name !== 'host1')
  stage.settings = monitorSettings(hosts, {groups: [groupSettings('all', ['host2', 'alias1'])]})
  await stage.clock.through(stage.monitor.reload(stage.settings))
  await stage.clock.until(() => stage.routedTo === 'alias1', 100)
})

test('a name is pointed at another server: what was marked because of it proves itself again', async () => {
  await using stage = await Stage.set({servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})
  await stage.clock.run(1_000)
  stage.cluster.lead('host1', 'host2')
  stage.cluster.toldTo('host1').drop()
  await stage.clock.run(3_000)
  expect(splitBrains(stage)).toEqual([])
  expect(stage.routedTo).toBe('alias1')
})

test('R9: a name moves while its old server lives on: the monitor leaves the old session', async () => {
  await using stage = await Stage.set()
  stage.cluster.lead('host3', 'host2')
  await stage.clock.until(() => causeOf(stage.host('host3')) === 'duplicate', 7_000)
  expect(stage.cluster.toldTo('host3')).toMatchObject({openSessions: 1})
  expect(stage.routes).toEqual([null, 'host1'])
})

test('R9: the heartbeat leaves the old server too', async () => {
  await using stage = await Stage.set({availability: {intervalMs: 1_000, table: 'public.pgr66_avc', limitMs: 10_000}})
  await stage.clock.run(5_000)
  const old = stage.cluster.server('host3')
  expect(old.backends.size).toBe(2)
  stage.cluster.lead('host3', 'host2')
  await stage.clock.until(() => causeOf(stage.host('host3')) === 'duplicate', 7_000)
  await stage.clock.run(2_000)
  expect(old.backends.size).toBe(0)
})

// A router that asks the name gets to another server than the one whose session answers.
test('R9: the name of the primary leads to a silent server: no write goes there from the next answer on', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(5_000)
  expect(stage.routedTo).toBe('host1')
  stage.cluster.freeze('host2')
  stage.cluster.lead('host1', 'host2')
  const told = stage.cluster.toldTo('host1')
  const knocks = told.knocks.length
  await stage.clock.until(() => told.knocks.length > knocks, 7_000)
  await stage.clock.until(() => stage.routedTo === null, 1_100)
  const why = /10\.0\.0\.1 leads to 10\.0\.0\.2 now, and the session is with the server at 10\.0\.0\.1/
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', detail: expect.stringMatching(why)})
  // The session is left, though no knock reaches the other server.
  await stage.clock.until(() => told.openSessions === 0, 7_000)
})

test('R9: when one name has moved, the other names are looked up at once', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(5_000)
  stage.cluster.lead('host1', 'host2')
  stage.cluster.lead('host3', 'host2')
  stage.cluster.toldTo('host3').drop()
  const {knocks} = stage.cluster.toldTo('host1')
  const before = knocks.length
  await stage.clock.until(() => stage.routedTo === null, 100)
  const detail = '10.0.0.1 leads to 10.0.0.2 now, and the session is with the server at 10.0.0.1'
  expect(stage.host('host1')).toMatchObject({role: 'unavailable', detail})
  expect(knocks).toHaveLength(before)
})

test.each([
  {situation: 'has the address of the session beside another one', change: {alsoAt: ['10.0.0.3']}},
  {situation: 'cannot be resolved', change: {isUnresolved: true}},
])('R9: a knock reaches another address, and the name $situation: the session stays', async ({change}) => {
  await using stage = await Stage.set()
  const told = stage.cluster.toldTo('host3')
  Object.assign(told, change)
  expect(stage.cluster.server('host3').address).toBe('10.0.0.3')
  stage.cluster.lead('host3', 'host2')
  await stage.clock.run(30_000)
  expect(told.opens).toHaveLength(1)
  expect(told.lookUps).toBeGreaterThan(2)
})

test('R9: knocks that reach the address of the session never ask DNS', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(30_000)
  expect(stage.cluster.toldTo('host1').knocks.length).toBeGreaterThan(2)
  expect(stage.cluster.toldTo('host1').lookUps).toBe(0)
})

test('a server of another cluster: never routed, and says whose it is', async () => {
  await using stage = await Stage.set()
  stage.cluster.crash('host3')
  Object.assign(stage.cluster.server('host3'), {
    systemIdentifier: '1',
    inRecovery: false,
    history: branched(begun(0x3000000), 99),
  })
  stage.cluster.start('host3')
  await stage.clock.run(5_000)
  expect(stage.host('host3')).toMatchObject({role: 'unavailable', cause: 'foreign-cluster'})
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  stage.cluster.crash('host1')
  await stage.clock.run(5_000)
  expect(stage.verdict()).toMatchObject({rule: 'V5', routedTo: null})
  expect(stage.store.memory.groups.all?.wrote.map(({timeline}) => timeline)).toEqual([1])
})

test('a name moves: the host is known by the present address, and by the one of its session', async () => {
  await using stage = await Stage.set()
  Object.assign(stage.cluster.toldTo('host3'), {alsoAt: ['10.0.0.30']})
  await stage.clock.run(20_000)
  expect(stage.host('host3')).toMatchObject({
    role: 'standby',
    addresses: expect.arrayContaining(['10.0.0.3', '10.0.0.30']),
  })
})
