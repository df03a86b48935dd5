import {expect, test} from 'vitest'
import {PingTimer} from '../../src/monitor/pings/timer.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

/** Due every `everyMs`; `steps`: when it was. */
function dueEvery(everyMs: number) {
  const steps: number[] = []
  return {
    steps,
    step(now: number) {
      steps.push(now)
      return now + everyMs
    },
  }
}

test('each is due in its own time, and one timer serves all', async () => {
  const clock = new VirtualClock()
  const timer = new PingTimer(clock)
  const [often, seldom] = [dueEvery(20), dueEvery(200)]
  for (const due of [often, seldom]) timer.hasten(due)
  await clock.run(1_000)
  expect(clock.pending).toBe(1)
  expect([often.steps.length, seldom.steps.length]).toEqual([50, 5])
})

test('with the last one the timer goes', async () => {
  const clock = new VirtualClock()
  const timer = new PingTimer(clock)
  const [one, other] = [dueEvery(20), dueEvery(20)]
  for (const due of [one, other]) timer.hasten(due)
  await clock.run(50)
  timer.remove(one)
  expect(clock.pending).toBe(1)
  timer.remove(other)
  expect([clock.pending, timer.size]).toEqual([0, 0])
  await clock.run(1_000)
  expect(one.steps.length).toBe(3)
})

test('what is removed by its own step, or by that of another, stays removed', async () => {
  const clock = new VirtualClock()
  const timer = new PingTimer(clock)
  const later = dueEvery(20)
  const first = {
    step: () => {
      timer.remove(first)
      timer.remove(later)
      return clock.now()
    },
  }
  for (const due of [first, later]) timer.hasten(due)
  await clock.run(1_000)
  expect([later.steps.length, clock.pending, timer.size]).toEqual([0, 0, 0])
})

test('what is hastened is due at once, and not after the time that it had named', async () => {
  const clock = new VirtualClock()
  const timer = new PingTimer(clock)
  const seldom = dueEvery(10_000)
  timer.hasten(seldom)
  await clock.run(100)
  timer.hasten(seldom)
  await clock.run(10)
  expect(seldom.steps.length).toBe(2)
})

test('this process was held up: nothing is due before its sockets were read', async () => {
  const clock = new VirtualClock()
  const timer = new PingTimer(clock)
  const due = dueEvery(100)
  timer.hasten(due)
  await clock.run(50)
  const stalledAt = clock.now()
  await clock.stall(700)
  expect(due.steps.length).toBe(1)
  let isRead = false
  clock.after(0, () => {
    isRead = true
  })
  await clock.until(() => due.steps.length === 2)
  expect(isRead).toBe(true)
  expect(clock.now()).toBe(stalledAt + 701)
})
