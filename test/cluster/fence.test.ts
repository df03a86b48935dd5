import {expect, test} from 'vitest'
import {Fence} from '../../src/cluster/fence.ts'

const ttlMs = 10_000
const gapMs = 3_000

function fenceAt() {
  const at = {now: 0, wall: 1_000_000}
  const fence = new Fence({now: () => at.now, wall: () => at.wall, after: () => () => {}}, {ttlMs, gapMs})
  const pass = (ms: number) => {
    at.now += ms
    at.wall += ms
  }
  return {at, fence, pass}
}

test('a machine that slept past the lease tells nothing, although its monotonic clock stood still', () => {
  const {at, fence, pass} = fenceAt()
  fence.renewed(0)
  pass(250)
  expect([fence.tick(), fence.isValid]).toEqual([false, true])
  at.wall += 60_000
  expect(fence.isValid).toBe(false)
  expect([fence.tick(), fence.isSuspended]).toEqual([true, true])
  // The answer to a renewal that was sent before the sleep says nothing of now.
  fence.renewed(250)
  expect(fence.isValid).toBe(false)
  pass(1)
  fence.caughtUp(at.now)
  fence.renewed(at.now)
  expect([fence.isSuspended, fence.isValid]).toEqual([false, true])
})

test('a clock that is set back, or forward by less than the lease, stops nothing', () => {
  const {at, fence, pass} = fenceAt()
  fence.renewed(0)
  at.wall -= 3_600_000
  pass(250)
  expect([fence.tick(), fence.isValid]).toEqual([false, true])
  at.wall += 4_000
  expect([fence.tick(), fence.isValid]).toEqual([false, true])
  pass(3_000)
  expect(fence.isValid).toBe(false)
})
