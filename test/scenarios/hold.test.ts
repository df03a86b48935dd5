import {expect, test} from 'vitest'
import {HoldLease} from '../../src/monitor/hold/lease.ts'
import {keptLog} from '../support/fake-source.ts'
import {Stage} from '../support/stage.ts'

const jane = {by: 'jane', reason: null}
const request = {id: 'a', group: 'all', from: 'host1', to: 'host2', isRenewal: false, leaseMs: 5_000, limitMs: 30_000}

async function set(stateDir: string | null = '/var/lib/pgroute66') {
  const stage = await Stage.set()
  const lease = new HoldLease({monitor: stage.monitor, clock: stage.clock, log: keptLog(), stateDir})
  const held = () => stage.monitor.current().hold?.id ?? null
  return {stage, lease, held}
}

test('a command that is silent: the hold ends with its lease, and a late renewal is told so', async () => {
  const {stage, lease, held} = await set()
  await using _ = stage
  lease.hold(request, jane)
  expect(held()).toBe('a')
  await stage.clock.run(4_000)
  lease.hold({...request, isRenewal: true}, jane)
  await stage.clock.run(4_000)
  expect(held()).toBe('a')
  await stage.clock.run(2_000)
  expect(held()).toBeNull()
  expect(() => lease.hold({...request, isRenewal: true}, jane)).toThrow(expect.objectContaining({code: 'HOLD_ENDED'}))
  expect(stage.changes.filter(({kind}) => kind === 'actuator')).toMatchObject([
    {to: 'held', group: 'all'},
    {to: 'active'},
  ])
})

test('a command that asks for ever: the hold ends at its limit', async () => {
  const {stage, lease, held} = await set()
  await using _ = stage
  lease.hold(request, jane)
  for (let second = 0; second < 29; second += 1) {
    await stage.clock.run(1_000)
    lease.hold({...request, isRenewal: true}, jane)
  }
  expect(held()).toBe('a')
  await stage.clock.run(2_000)
  expect(held()).toBeNull()
})

test('release ends it, and only its own', async () => {
  const {stage, lease, held} = await set()
  await using _ = stage
  lease.hold(request, jane)
  lease.release('b')
  expect(held()).toBe('a')
  lease.release('a')
  expect(held()).toBeNull()
})

test('refused: a second one, another host, an unknown group, maintenance, no state_dir', async () => {
  const {stage, lease} = await set()
  await using _ = stage
  const refused = (special: object) => {
    try {
      lease.hold({...request, ...special}, jane)
    } catch (error) {
      return (error as {code: string}).code
    }
    return null
  }
  expect(refused({from: 'host2'})).toBe('SWITCHOVER_REFUSED')
  expect(refused({group: 'none'})).toBe('UNKNOWN_GROUP')
  await stage.clock.through(stage.monitor.maintain({isOn: true, untilMs: null}, jane))
  expect(refused({})).toBe('SWITCHOVER_REFUSED')
  await stage.clock.through(stage.monitor.maintain({isOn: false, untilMs: null}, jane))
  expect(refused({})).toBeNull()
  expect(refused({id: 'b'})).toBe('SWITCHOVER_BUSY')
  const without = await set(null)
  await using __ = without.stage
  expect(() => without.lease.hold(request, jane)).toThrow(/without state_dir/)
})
