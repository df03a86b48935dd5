import {describe, expect, test} from 'vitest'
import {SharedStage, ttlMs} from '../support/shared/stage.ts'

const maxAgeMs = 3_000
const who = {by: 'an operator', reason: null}

/** An instance that does not own the group. */
const otherThan = (stage: SharedStage, owner: string) => stage.running.find(({id}) => id !== owner)?.id ?? ''

test('three instances share the groups, and each answers for all of them', async () => {
  const stage = await SharedStage.set({groups: 9})
  await stage.clock.run(3_000)
  const owners = stage.groups.map((group) => stage.ownerOf(group))
  expect(new Set(owners).size).toBe(3)
  for (const {id} of stage.running)
    for (const group of stage.groups) {
      expect(stage.verdict(id, group).routedTo).toBe(`${group}h1`)
      expect(stage.node(id).set.current().groups[group]?.owner?.instance).toBe(stage.ownerOf(group))
    }
  expect(stage.registry.commits).toBeLessThan(20)
})

test('at rest nothing is written, whatever the primaries write', async () => {
  const stage = await SharedStage.set({groups: 4})
  await stage.clock.run(3_000)
  for (const group of stage.groups)
    expect(stage.registry.record(group)?.memory.groups[group]?.wrote).toMatchObject([{timeline: 1}])
  const {commits} = stage.registry
  await stage.clock.run(5 * 60_000)
  expect(stage.registry.commits).toBe(commits)
})

describe('an instance dies', () => {
  test('the others show its groups as stale, and one of them owns the group within a lease', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const other = otherThan(stage, owner)
    stage.kill(owner)
    const staleMs = await stage.clock.until(() => stage.verdict(other).routedTo === null)
    expect(staleMs).toBeLessThan(maxAgeMs + 1_000)
    expect(stage.node(other).set.current().hosts.g1h1).toMatchObject({role: 'unavailable', cause: 'stale'})
    const tookMs = staleMs + (await stage.clock.until(() => stage.isSettled()))
    expect(tookMs).toBeLessThan(ttlMs + 1_000)
  })

  test('with a standby no answer is older than max_age and a second', async () => {
    const stage = await SharedStage.set({hasStandby: true})
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const others = stage.ids.filter((id) => id !== owner)
    stage.kill(owner)
    const died = stage.clock.now()
    while (stage.clock.now() - died < 2 * ttlMs) {
      await stage.clock.run(50)
      if (stage.clock.now() - died <= maxAgeMs + 1_000) continue
      for (const id of others) {
        expect(stage.verdict(id).routedTo).toBe('g1h1')
        const askedAt = stage.node(id).set.current().hosts.g1h1?.askedAt ?? 0
        expect(stage.clock.now() - askedAt).toBeLessThan(maxAgeMs + 1_000)
      }
    }
    expect(stage.ownerOf()).not.toBe(owner)
  })

  test('a new owner says nothing until its own first round', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    for (const server of stage.cluster('g1').servers) stage.cluster('g1').freeze(server.name)
    stage.kill(owner)
    await stage.clock.until(() => stage.ownerOf() !== owner)
    const heir = stage.ownerOf()
    await stage.clock.until(() => stage.node(heir).set.current().groups.g1?.owner?.instance === heir)
    expect(stage.verdict(heir)).toMatchObject({rule: 'V0', routedTo: null})
  })
})

describe('what was decided is kept by the next owner', () => {
  /** The owner dies; the group is settled again, or as far as it can be. */
  async function takeover(stage: SharedStage): Promise<string> {
    const owner = stage.ownerOf()
    stage.kill(owner)
    await stage.clock.until(() => stage.ownerOf() !== owner && stage.ownerOf() !== '', 2 * ttlMs)
    await stage.clock.run(2_000)
    return stage.ownerOf()
  }

  test.each([false, true])('V2: the old primary of a failover comes back alone (standby: %s)', async (hasStandby) => {
    const stage = await SharedStage.set({hasStandby})
    const cluster = stage.cluster('g1')
    await stage.clock.run(3_000)
    cluster.crash('g1h1')
    cluster.promote('g1h2')
    await stage.clock.until(() => stage.verdict(stage.ownerOf()).routedTo === 'g1h2')
    await stage.clock.run(1_000)
    for (const name of cluster.names) cluster.crash(name)
    await stage.clock.run(1_000)
    cluster.start('g1h1')
    const heir = await takeover(stage)
    for (const {id} of stage.running)
      expect(stage.verdict(id)).toMatchObject({rule: 'V2', primary: 'g1h1', routedTo: null})
    const done = await stage.clock
      .through(stage.node(otherThan(stage, heir)).set.orders.accept('g1h1', who), 5_000)
      .catch(String)
    expect(done).toContain('g1h1 is the primary')
    await takeover(stage)
    for (const {id} of stage.running) expect(stage.verdict(id)).toMatchObject({rule: 'V4', routedTo: 'g1h1'})
  })

  test('V1: one of two primaries is out of sight', async () => {
    const stage = await SharedStage.set()
    const cluster = stage.cluster('g1')
    await stage.clock.run(3_000)
    cluster.promote('g1h2')
    await stage.clock.until(() => stage.verdict(stage.ownerOf()).rule === 'V1')
    await stage.clock.run(1_000)
    cluster.powerOff('g1h1')
    await takeover(stage)
    await stage.clock.run(5_000)
    for (const {id} of stage.running) expect(stage.verdict(id)).toMatchObject({rule: 'V1', routedTo: null})
  })

  test.each([false, true])(
    'a drain, a resume, and a maintenance of the whole set (standby: %s)',
    async (hasStandby) => {
      const stage = await SharedStage.set({hasStandby})
      await stage.clock.run(3_000)
      const other = otherThan(stage, stage.ownerOf())
      await stage.clock.through(stage.node(other).set.orders.drain('g1h1', who))
      await stage.clock.through(stage.node(other).set.orders.maintain({isOn: true, untilMs: null}, who))
      await takeover(stage)
      for (const {id, set} of stage.running) {
        expect(stage.verdict(id)).toMatchObject({rule: 'V4', primary: 'g1h1', routedTo: null})
        expect(set.current().hosts.g1h1?.drained).toMatchObject({by: 'an operator'})
        expect(set.current().maintenance).toMatchObject({by: 'an operator'})
      }
      const [node] = stage.running
      await stage.clock.through((node ?? stage.node('')).set.orders.resume('g1h1', who))
      await stage.clock.until(() => stage.isSettled())
      for (const {id} of stage.running) expect(stage.verdict(id).routedTo).toBe('g1h1')
    },
  )

  test('what a standby saw after its owner died is kept when it becomes the owner', async () => {
    const stage = await SharedStage.set({hasStandby: true})
    const cluster = stage.cluster('g1')
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    stage.kill(owner)
    await stage.clock.run(1_000)
    cluster.promote('g1h2')
    await stage.clock.run(1_500)
    cluster.powerOff('g1h1')
    await stage.clock.until(() => stage.ownerOf() !== owner, 2 * ttlMs)
    await stage.clock.run(3_000)
    for (const {id} of stage.running) expect(stage.verdict(id)).toMatchObject({rule: 'V1', routedTo: null})
  })
})

describe('an owner stands still past its lease', () => {
  test('what was decided meanwhile holds from its first answer on', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const frozen = stage.node(owner)
    frozen.process.freeze()
    // What it watched is gone when it goes on: nothing waits in its sockets.
    frozen.door.isReachable = false
    for (const other of stage.ids) stage.cut(owner, other)
    await stage.clock.until(() => stage.ownerOf() !== owner, 2 * ttlMs)
    await stage.clock.run(2_000)
    const heir = stage.ownerOf()
    await stage.clock.through(stage.node(heir).set.orders.drain('g1h1', who))
    // What waits in its sockets may be as old as an answer may be.
    await stage.clock.run(maxAgeMs + 1_000)
    // The registry and the streams are slow to tell the one that thaws.
    stage.registry.latencyMs = () => 800
    stage.streamMs = () => 800
    const routes = new Set<string | null>()
    frozen.set.subscribe(({snapshot}) => routes.add(snapshot.groups.g1?.verdict.routedTo ?? null))
    frozen.door.isReachable = true
    stage.cuts.clear()
    frozen.process.thaw()
    for (let step = 0; step < 60; step += 1) {
      await stage.clock.run(50)
      routes.add(frozen.set.current().groups.g1?.verdict.routedTo ?? null)
    }
    expect([...routes]).toEqual([null])
    expect(stage.counts.get('fenced')).toBeGreaterThan(0)
    expect(stage.ownerOf()).toBe(heir)
  })

  test('it writes nothing, and joins again', async () => {
    const stage = await SharedStage.set()
    await stage.clock.run(3_000)
    const owner = stage.ownerOf()
    const session = stage.registry.record('g1')?.owner.session
    stage.node(owner).process.freeze()
    await stage.clock.until(() => stage.ownerOf() !== owner, 2 * ttlMs)
    stage.node(owner).process.thaw()
    await stage.clock.until(() => stage.ownerOf() === owner, 60_000)
    expect(stage.registry.record('g1')?.owner.session).not.toBe(session)
    expect(stage.registry.record('g1')?.epoch).toBe(3)
    await stage.clock.until(() => stage.isSettled())
  })
})
