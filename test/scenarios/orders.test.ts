import {describe, expect, test} from 'vitest'
import {Stage} from '../support/stage.ts'

const jane = {by: 'jane', reason: 'new disks'}

async function again(stage: Stage): Promise<void> {
  await stage.strike()
  await stage.raise()
  await stage.clock.through(stage.monitor.ready)
}

describe('drain and resume', () => {
  test('a drained primary keeps its role, no router gets it, and it is routed to again after resume', async () => {
    await using stage = await Stage.set()
    await stage.clock.through(stage.monitor.drain('host1', jane))
    expect(stage.verdict()).toMatchObject({rule: 'V4', primary: 'host1', routedTo: null})
    expect(stage.host('host1')).toMatchObject({role: 'primary', drained: jane})
    expect(stage.changes).toContainEqual(
      expect.objectContaining({
        kind: 'drain',
        host: 'host1',
        to: 'drained',
        why: expect.stringContaining('jane: new disks'),
      }),
    )
    expect(await stage.monitor.resume('host1', jane)).toContain('in rotation again')
    expect(stage.routedTo).toBe('host1')
  })

  test('it survives a restart, and a second drain keeps the author and the reason of the first', async () => {
    await using stage = await Stage.set()
    await stage.clock.through(stage.monitor.drain('host2', jane))
    const {since} = stage.host('host2').drained ?? {since: null}
    await stage.clock.run(5_000)
    const joe = stage.monitor.drain('host2', {by: 'joe', reason: null})
    await stage.clock.through(joe)
    expect(await joe).toContain('drained already, by jane: new disks')
    expect(stage.host('host2').drained).toEqual({since, ...jane})
    await again(stage)
    expect(stage.host('host2').drained).toEqual({since, ...jane})
  })

  test('a host that is not there is refused; one that is not drained resumes without a change', async () => {
    await using stage = await Stage.set()
    await expect(stage.monitor.drain('host9', jane)).rejects.toMatchObject({code: 'UNKNOWN_HOST'})
    await expect(stage.monitor.resume('host9', jane)).rejects.toMatchObject({code: 'UNKNOWN_HOST'})
    const before = stage.publications.length
    expect(await stage.monitor.resume('host1', jane)).toContain('was not drained')
    expect(stage.publications).toHaveLength(before)
  })
})

describe('maintenance', () => {
  test('is shown, survives a restart, and ends on order', async () => {
    await using stage = await Stage.set()
    await stage.clock.through(stage.monitor.maintain({isOn: true, untilMs: null}, jane))
    expect(stage.monitor.current().maintenance).toMatchObject({...jane, until: null})
    await again(stage)
    expect(stage.monitor.current().maintenance).toMatchObject(jane)
    await stage.clock.through(stage.monitor.maintain({isOn: false, untilMs: null}, jane))
    expect(stage.monitor.current().maintenance).toBeNull()
    expect(stage.changes.filter(({kind}) => kind === 'actuator')).toMatchObject([{to: 'frozen'}, {to: 'active'}])
  })

  test('ends by itself at its time, and not before', async () => {
    await using stage = await Stage.set()
    await stage.clock.through(stage.monitor.maintain({isOn: true, untilMs: stage.clock.wall() + 60_000}, jane))
    await stage.clock.run(58_000)
    expect(stage.monitor.current().maintenance).not.toBeNull()
    await stage.clock.run(4_000)
    expect(stage.monitor.current().maintenance).toBeNull()
    expect(stage.store.memory.maintenance).toBeNull()
    expect(stage.changes.at(-1)).toMatchObject({kind: 'actuator', from: 'frozen', to: 'active'})
  })

  test('an end that has passed is refused', async () => {
    await using stage = await Stage.set()
    await expect(stage.monitor.maintain({isOn: true, untilMs: stage.clock.wall()}, jane)).rejects.toMatchObject({
      code: 'MAINTENANCE_OVER',
    })
  })

  test('says nothing of the verdict: it goes on being judged', async () => {
    await using stage = await Stage.set()
    await stage.clock.through(stage.monitor.maintain({isOn: true, untilMs: null}, jane))
    stage.cluster.crash('host1')
    await stage.clock.until(() => stage.routedTo === null, 3_000)
    expect(stage.verdict()).toMatchObject({rule: 'V5'})
  })
})

describe('those that are told', () => {
  test('what a target reports is shown; a change of it is published, the same again is not', async () => {
    await using stage = await Stage.set()
    const at = {since: 1, verifiedAt: 2}
    stage.monitor.reportActuator('haproxy a', {status: 'in-sync', problems: [], ...at})
    const before = stage.publications.length
    stage.monitor.reportActuator('haproxy a', {status: 'in-sync', problems: [], since: 1, verifiedAt: 3})
    expect(stage.publications).toHaveLength(before)
    expect(stage.monitor.current().actuators['haproxy a']?.verifiedAt).toBe(3)
    stage.monitor.reportActuator('haproxy a', {status: 'out-of-sync', problems: ['it is gone: start it'], ...at})
    expect(stage.changes.at(-1)).toMatchObject({
      kind: 'actuator',
      from: 'in-sync',
      to: 'out-of-sync',
      why: 'haproxy a: it is gone: start it',
    })
    stage.monitor.reportActuator('haproxy a', null)
    expect(stage.monitor.current().actuators).toEqual({})
  })
})
