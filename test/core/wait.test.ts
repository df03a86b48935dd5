import {expect, test} from 'vitest'
import type {Clock} from '../../src/core/ports.ts'
import {afterLimit, atMost, deadline, sleep} from '../../src/core/wait.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

/** A clock whose timers fire when the test says so. */
function heldClock() {
  let now = 0
  const timers: {at: number; run: () => void}[] = []
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after(ms, run) {
      const timer = {at: now + ms, run}
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0)
    },
  }
  /** Lets `ms` pass, then fires what is due, and nothing that these timers start. */
  const pass = (ms: number) => {
    now += ms
    for (const timer of timers.filter(({at}) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.run()
    }
  }
  return {clock, pass, timers}
}

test.each([
  {given: 'a limit that fires in time', heldUp: 0, again: 0},
  {given: 'a limit that fires as late as a timer may', heldUp: 10, again: 0},
  {given: 'a limit that fires late: the sockets are read first', heldUp: 11, again: 1},
  {given: 'a limit that fires seconds late', heldUp: 5_000, again: 1},
])('$given', ({heldUp, again}) => {
  const {clock, pass} = heldClock()
  let fired = 0
  afterLimit(clock, 1_000, () => {
    fired += 1
  })
  pass(999)
  expect(fired).toBe(0)
  pass(1 + heldUp)
  expect(fired).toBe(again === 0 ? 1 : 0)
  pass(1)
  expect(fired).toBe(1)
})

test('a limit is cancelled before it fires, and between its two timers', () => {
  for (const held of [0, 500]) {
    const {clock, pass, timers} = heldClock()
    const limit = deadline(clock, 1_000)
    pass(held === 0 ? 500 : 1_000 + held)
    limit[Symbol.dispose]()
    pass(5_000)
    expect([limit.signal.aborted, timers]).toEqual([false, []])
  }
})

test('work is waited for at most so long, and the timer of the limit ends with the work', async () => {
  const clock = new VirtualClock()
  await clock.through(atMost(clock, 1_000, sleep(clock, 10, new AbortController().signal)))
  expect([clock.now(), clock.pending]).toEqual([1_010, 0])
  await clock.through(atMost(clock, 1_000, new Promise(() => {})))
  expect(clock.now()).toBe(2_010)
  const failing = Promise.reject(new Error('it failed'))
  await expect(clock.through(atMost(clock, 1_000, failing))).rejects.toThrow('it failed')
})
