import {expect, test} from 'vitest'
import type {HostSettings} from '../../src/core/settings.ts'
import {causeOf} from '../../src/core/snapshot.ts'
import {groupSettings, hostSettings, monitorSettings} from '../support/settings.ts'
import {Stage} from '../support/stage.ts'

const reload = (stage: Stage) => stage.clock.through(stage.monitor.reload(stage.settings))

test('reload: hosts that did not change keep their connection, and the route stays', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(1_000)
  stage.settings = {
    ...stage.settings,
    groups: [groupSettings('all', ['host1', 'host2'])],
    hosts: stage.settings.hosts.slice(0, 2),
  }
  await reload(stage)
  await stage.clock.run(2_000)
  expect(stage.cluster.toldTo('host1').opens.length).toBe(1)
  expect(stage.cluster.toldTo('host3').openSessions).toBe(0)
  expect(stage.routes).toEqual([null, 'host1'])
})

test('another pace: connections are made anew, and what is known meanwhile stands', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(1_000)
  stage.settings = {...stage.settings, probe: {...stage.settings.probe, intervalMs: 500}}
  await reload(stage)
  await stage.clock.run(20_000)
  expect(stage.routes).toEqual([null, 'host1'])
  const last = stage.cluster.toldTo('host1').probes.slice(-2)
  expect((last[1] ?? 0) - (last[0] ?? 0)).toBe(500)
})

test('a host that joins and hangs: the others are judged as before until it was asked, then it counts', async () => {
  await using stage = await Stage.set()
  const [host1, host2, host3] = stage.settings.hosts as readonly [HostSettings, HostSettings, HostSettings]
  const with_ = (...hosts: readonly HostSettings[]) => ({
    ...stage.settings,
    hosts,
    groups: [
      groupSettings(
        'all',
        hosts.map(({name}) => name),
      ),
    ],
  })
  stage.settings = with_(host1, host2)
  await reload(stage)
  await stage.clock.run(1_000)
  stage.cluster.cut('host3')
  for (let turn = 0; turn < 2; turn += 1) {
    stage.settings = with_(host1, host2, host3)
    await reload(stage)
    expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
    expect(stage.host('host3').role).toBe('unavailable')
    await stage.clock.run(100)
  }
  await stage.clock.until(() => causeOf(stage.host('host3')) === 'timeout', 10_000)
  expect(stage.routes).toEqual([null, 'host1'])
})

test('a rival that joins counts with its first answer; where the primary leaves, V0 until it was asked', async () => {
  await using stage = await Stage.set()
  const [host1, host2, host3] = stage.settings.hosts as readonly [HostSettings, HostSettings, HostSettings]
  const hold = (...hosts: readonly HostSettings[]) => {
    const names = hosts.map(({name}) => name)
    stage.settings = {...stage.settings, hosts, groups: [groupSettings('all', names)]}
    return reload(stage)
  }
  await hold(host1, host2)
  await hold(host2, host3)
  expect(stage.verdict().rule).toBe('V0')
  await hold(host1, host2)
  await stage.clock.until(() => stage.routedTo === 'host1', 100)
  stage.cluster.promote('host3')
  await hold(host1, host2, host3)
  await stage.clock.until(() => stage.verdict().rule === 'V1', 100)
})

test('a host that changed is asked anew before anybody is routed to', async () => {
  await using stage = await Stage.set()
  const [first, ...others] = stage.settings.hosts
  stage.settings = {
    ...stage.settings,
    hosts: [hostSettings('host1', {...first?.connection, dbname: 'other'}), ...others],
  }
  const done = stage.monitor.reload(stage.settings)
  await stage.clock.through(done)
  expect(stage.verdict().rule).toBe('V0')
  await stage.clock.until(() => stage.routedTo === 'host1', 10)
})

test('a changed password opens a new session; the same password keeps the session', async () => {
  await using stage = await Stage.set()
  await stage.clock.run(1_000)
  const withPassword = (text: string) => {
    const [first, ...others] = stage.settings.hosts
    const password = {from: 'config', text} as const
    stage.settings = {
      ...stage.settings,
      hosts: [hostSettings('host1', {...first?.connection, password}), ...others],
    }
    return reload(stage)
  }
  const opens = () => stage.cluster.toldTo('host1').opens.length
  await withPassword('old')
  await stage.clock.run(1_000)
  const before = opens()
  await withPassword('old')
  await stage.clock.run(1_000)
  expect(opens()).toBe(before)
  await withPassword('new')
  await stage.clock.run(1_000)
  expect(opens()).toBe(before + 1)
})

test('two reloads at once: the last one counts, and no host is watched twice', async () => {
  await using stage = await Stage.set()
  const paced = (intervalMs: number) => ({...stage.settings, probe: {...stage.settings.probe, intervalMs}})
  const [one, two] = [{...paced(600), hosts: stage.settings.hosts.slice(0, 2)}, paced(700)]
  await stage.clock.through(Promise.all([stage.monitor.reload(one), stage.monitor.reload(two)]))
  stage.settings = two
  await stage.clock.run(5_000)
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).openSessions).toBe(1)
  await stage.clock.run(10_000)
  const last = stage.cluster.toldTo('host1').probes.slice(-2)
  expect((last[1] ?? 0) - (last[0] ?? 0)).toBe(700)
  expect(stage.host('host3').role).toBe('standby')
})

test('a stop during a reload during a connect leaves neither a timer nor a session', async () => {
  const stage = await Stage.set()
  stage.cluster.freeze('host2')
  stage.cluster.cut('host3')
  await stage.clock.run(5_100)
  const done = stage.monitor.reload({...stage.settings, probe: {...stage.settings.probe, intervalMs: 500}})
  expect(await stage.strike()).toBe(0)
  await done
  await stage.clock.run(10_000)
  expect(stage.clock.pending).toBe(0)
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).openSessions).toBe(0)
})

test('S18: a host in two groups is routed by both; a host in no group is watched, and never offered', async () => {
  const stage = new Stage()
  stage.settings = monitorSettings(stage.settings.hosts, {
    groups: [groupSettings('one', ['host1', 'host2']), groupSettings('two', ['host1'])],
  })
  await stage.raise()
  await stage.clock.through(stage.monitor.ready)
  expect(stage.verdict('one').routedTo).toBe('host1')
  expect(stage.verdict('two').routedTo).toBe('host1')
  expect(stage.host('host1').groups).toEqual(['one', 'two'])
  expect(stage.host('host3')).toMatchObject({role: 'standby', groups: []})
  await stage.strike()
})

test('a stop at any moment of a reload leaves nothing behind', async () => {
  for (let ticks = 0; ticks < 40; ticks += 1) {
    const stage = await Stage.set()
    const done = stage.monitor.reload({...stage.settings, probe: {...stage.settings.probe, intervalMs: 500}})
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve()
    await stage.strike()
    await done
    await stage.clock.run(10_000)
    expect(stage.clock.pending).toBe(0)
    for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).openSessions).toBe(0)
  }
})
