import {expect, test} from 'vitest'
import {systemClock} from '../../src/system/clock.ts'

test('timer: never before its time, though Node.js counts whole milliseconds', async () => {
  const early: number[] = []
  const once = (ms: number) =>
    new Promise<void>((resolve) => {
      const due = systemClock.now() + ms
      systemClock.after(ms, () => {
        const leftMs = due - systemClock.now()
        if (leftMs > 0) early.push(leftMs)
        resolve()
      })
    })
  for (let round = 0; round < 200; round += 1) await once(2 + round / 201)
  expect(early).toEqual([])
})

test('timer: cancelled, also while it waits for the rest of a millisecond', async () => {
  const ran: number[] = []
  for (let round = 0; round < 20; round += 1) systemClock.after(1 + round / 21, () => ran.push(round))()
  await new Promise((resolve) => systemClock.after(20, () => resolve(null)))
  expect(ran).toEqual([])
})
