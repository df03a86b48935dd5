import {describe, expect, test} from 'vitest'
import {ranked} from '../../src/cluster/ownership.ts'
import {SharedStage, ttlMs} from '../support/shared/stage.ts'

const maxAgeMs = 3_000
const who = {by: 'an operator', reason: null}

describe('the registry is away', () => {
  test('without a quorum owners go on to answer, and write nothing', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    stage.registry.hasQuorum = false
    await stage.clock.run(60_000)
    const cluster = stage.cluster('g1')
    cluster.crash('g1h1')
    cluster.promote('g1h2')
    await stage.clock.until(() => stage.running.every(({id}) => stage.verdict(id).routedTo === 'g1h2'), 10_000)
    for (const {set} of stage.running) expect(set.member.fence.isValid).toBe(false)
    const order = stage.node(stage.ownerOf()).set.orders.drain('g1h2', who)
    await expect(stage.clock.through(order)).rejects.toMatchObject({code: 'NO_OWNER'})
    expect(stage.verdict(stage.ownerOf()).routedTo).toBe('g1h2')
    stage.registry.hasQuorum = true
    await stage.clock.until(() => stage.running.every(({set}) => set.member.fence.isValid), 10_000)
  })

  test('an owner that is cut off from it alone yields to the next owner, of whom it hears by a stream', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    stage.node(owner).door.isReachable = false
    await stage.clock.until(() => stage.ownerOf() !== owner, 3 * ttlMs)
    const heir = stage.ownerOf()
    await stage.clock.until(() => !stage.node(owner).set.member.isAnswering('g1'), 5_000)
    await stage.clock.through(stage.node(heir).set.orders.drain('g1h1', who))
    await stage.clock.until(() => stage.verdict(owner).routedTo === null, 5_000)
  })

  test('an instance that hears only the owner before does not show what that one still tells', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const listed = [...stage.registry.image.instances.values()].filter(({id}) => id !== owner)
    const [heir = '', third = ''] = ranked('g1', listed).map(({id}) => id)
    stage.node(owner).door.isReachable = false
    stage.cut(owner, heir)
    await stage.clock.until(() => stage.ownerOf() === heir, 3 * ttlMs)
    stage.cut(heir, third)
    await stage.clock.run(maxAgeMs + 3_000)
    expect(stage.node(owner).set.member.isAnswering('g1')).toBe(true)
    expect(stage.node(third).set.streams.partOf('g1', 0)?.group.owner).toMatchObject({instance: owner, epoch: 1})
    expect(stage.verdict(third).routedTo).toBeNull()
  })

  test('an order whose commit is lost is undone', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    stage.node(owner).door.isReachable = false
    const order = stage.node(owner).set.orders.drain('g1h1', who)
    await expect(stage.clock.through(order)).rejects.toMatchObject({code: 'NO_OWNER'})
    expect(stage.verdict(owner).routedTo).toBe('g1h1')
  })

  test('an order that the registry carried out, and whose answer is lost, is undone there too', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const drains = () => Object.keys(stage.registry.record('g1')?.memory.drains ?? {})
    stage.registry.losesAnswer = () => true
    const order = stage.node(owner).set.orders.drain('g1h1', who)
    await expect(stage.clock.through(order)).rejects.toMatchObject({code: 'NO_OWNER'})
    expect(drains()).toEqual(['g1h1'])
    stage.registry.losesAnswer = () => false
    await stage.clock.until(() => drains().length === 0, 5_000)
    expect(stage.ownerOf()).toBe(owner)
  })

  test('its keys are deleted: the owners write down again what they know', async () => {
    const stage = await SharedStage.set()
    const cluster = stage.cluster('g1')
    await stage.clock.run(3_000)
    cluster.crash('g1h1')
    cluster.promote('g1h2')
    await stage.clock.run(5_000)
    stage.registry.wipe()
    await stage.clock.until(() => stage.registry.record('g1') !== null, 5_000)
    expect(stage.registry.record('g1')?.memory.groups.g1?.wrote.map(({timeline}) => timeline)).toContain(2)
  })

  test('it is restored from a backup: the memory of the running owners is the newer one', async () => {
    const stage = await SharedStage.set()
    const cluster = stage.cluster('g1')
    await stage.clock.run(3_000)
    const backup = stage.registry.image
    cluster.crash('g1h1')
    cluster.promote('g1h2')
    await stage.clock.run(3_000)
    stage.kill(stage.ownerOf())
    await stage.clock.until(() => stage.isSettled(), 2 * ttlMs)
    stage.registry.restore(backup)
    const isKept = () =>
      stage.registry.record('g1')?.memory.groups.g1?.wrote.some(({timeline}) => timeline === 2) ?? false
    await stage.clock.until(isKept, 3 * ttlMs)
    await stage.clock.until(() => stage.isSettled(), 3 * ttlMs)
    for (const {id} of stage.running) expect(stage.verdict(id).routedTo).toBe('g1h2')
  })
})

test('instances restart one after the other: every answer goes on', async () => {
  const stage = await SharedStage.set({groups: 3})
  await stage.clock.run(3_000)
  let isOver = false
  const restarts = (async () => {
    for (const id of stage.ids) {
      await stage.stop(id)
      stage.start(id)
      await stage.clock.until(() => stage.isSettled(), 30_000)
      await stage.clock.run(3_000)
    }
    isOver = true
  })()
  stage.clock.onRest = () => {
    if (isOver) return
    for (const {id, set} of stage.running) {
      // An instance that has just begun knows nothing yet.
      if (!set.current().ready) continue
      for (const group of stage.groups)
        if (stage.verdict(id, group).routedTo !== `${group}h1`)
          throw new Error(`${id} says of ${group}: ${stage.verdict(id, group).why}`)
    }
  }
  await restarts
})

test('a maintenance ends when it was told to, although the registry counts its lease anew', async () => {
  const stage = await SharedStage.set()
  const {orders} = stage.node('lb1').set
  const isFrozen = () => stage.running.map(({set}) => set.current().maintenance !== null)
  await stage.clock.through(orders.maintain({isOn: true, untilMs: stage.clock.wall() + 60_000}, who))
  await stage.clock.until(() => isFrozen().every(Boolean), 5_000)
  stage.registry.hasQuorum = false
  await stage.clock.run(50_000)
  expect(isFrozen()).toEqual([true, true, true])
  await stage.clock.until(() => !isFrozen().some(Boolean), 15_000)
})

test('an instance that stops leaves the set, although its heir takes no group in time', async () => {
  const stage = await SharedStage.set({instances: 2, groups: 4})
  await stage.clock.run(3_000)
  stage.node('lb2').process.freeze()
  await stage.stop('lb1')
  expect([...stage.registry.image.instances.keys()]).toEqual(['lb2'])
})

describe('different configurations', () => {
  test('an instance of another configuration takes no group while one of the old is alive', async () => {
    const stage = new SharedStage({instances: 3})
    stage.configHash.set('lb3', 'c2')
    for (const id of stage.ids) stage.start(id)
    await stage.clock.until(() => stage.isSettled())
    await stage.clock.run(30_000)
    for (const group of stage.groups) expect(stage.registry.record(group)?.configHash).toBe('c1')
    const owners = new Set<string>()
    stage.clock.onRest = () => {
      for (const group of stage.groups) owners.add(stage.ownerOf(group))
    }
    stage.kill('lb1')
    await stage.clock.until(() => stage.groups.every((group) => stage.ownerOf(group) === 'lb2'), 2 * ttlMs)
    expect([...owners].sort()).toEqual(['lb1', 'lb2'])
    stage.kill('lb2')
    await stage.clock.until(() => stage.groups.every((group) => stage.ownerOf(group) === 'lb3'), 2 * ttlMs)
  })

  test('an operator adopts the new one: its instances take the groups from living owners', async () => {
    const stage = new SharedStage({instances: 3})
    for (const id of ['lb1', 'lb2']) stage.start(id)
    await stage.clock.until(() => stage.isSettled())
    stage.configHash.set('lb3', 'c2')
    const {set} = stage.start('lb3')
    await stage.clock.run(3_000)
    await stage.clock.through(
      set.member.write(({adopted}) => ({kind: 'adopted', configHash: 'c2', revision: adopted.revision})),
    )
    await stage.clock.until(() => stage.groups.every((group) => stage.ownerOf(group) === 'lb3'), 20_000)
    await stage.clock.until(() => stage.isSettled())

    // The change is done: the earlier configuration begins again one day, and takes nothing.
    const adopted = () => stage.registry.image.adopted.value
    await stage.clock.run(120_000)
    for (const id of ['lb1', 'lb2']) {
      stage.configHash.set(id, 'c2')
      await stage.stop(id)
      stage.start(id)
    }
    await stage.clock.run(50_000)
    expect(adopted()).toBe('c2')
    await stage.clock.until(() => adopted() === null, 20_000)
  })
})
