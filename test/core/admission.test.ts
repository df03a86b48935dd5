import {expect, test} from 'vitest'
import {Admission, type Leave} from '../../src/core/admission.ts'
import type {Clock} from '../../src/core/ports.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const never = new AbortController().signal
const calm = {isUrgent: false, signal: never}

/** Logins that ask for a place in order, and who has one. */
function logins(clock: Clock) {
  const admission = new Admission(clock)
  const admitted = new Map<string, Leave>()
  const ask = (name: string, special: Partial<Parameters<Admission['enter']>[0]> = {}) =>
    void admission.enter({...calm, ...special}).then((leave) => admitted.set(name, leave))
  const leave = (name: string) => {
    admitted.get(name)?.()
    admitted.delete(name)
  }
  return {admission, ask, leave, inside: () => [...admitted.keys()]}
}
/** Without its methods' `this`, so that one can be replaced. */
const clockOf = (clock: Clock): Clock => ({
  now: () => clock.now(),
  wall: () => clock.wall(),
  after: (ms, run) => clock.after(ms, run),
})
const named = (count: number) => Array.from({length: count}, (_, index) => `login${index}`)

test('the first four begin; each that ends in time makes room for one more, up to 32 at once', async () => {
  const clock = new VirtualClock()
  const {admission, ask, leave, inside} = logins(clock)
  for (const name of named(200)) ask(name)
  await clock.run(0)
  expect(inside()).toEqual(named(4))
  expect(admission.isCrowded).toBe(true)
  let most = 0
  while (inside().length > 0) {
    most = Math.max(most, inside().length)
    for (const name of inside()) leave(name)
    await clock.run(1)
  }
  expect([most, admission.isCrowded]).toEqual([32, false])
})

test('a login that waits for its server gives its place back: 1,000 hung ones delay the last by seconds', async () => {
  const clock = new VirtualClock()
  const {ask, inside} = logins(clock)
  for (const name of named(1_000)) ask(name)
  expect(await clock.until(() => inside().length === 1_000)).toBeLessThanOrEqual(4_000)
})

test('a process that is held up admits four at a time, and keeps their places longer', async () => {
  const clock = new VirtualClock()
  let lateMs = 50
  const busy: Clock = {...clockOf(clock), after: (ms, run) => clock.after(ms + lateMs, run)}
  const {ask, inside} = logins(busy)
  for (const name of named(40)) ask(name)
  await clock.run(160)
  expect(inside()).toHaveLength(4)
  await clock.run(150)
  expect(inside()).toHaveLength(8)
  lateMs = 0
  expect(await clock.until(() => inside().length === 40)).toBeLessThanOrEqual(1_000)
})

test('a host whose session has ended goes first; a login that was given up takes no place', async () => {
  const clock = new VirtualClock()
  const {ask, leave, inside} = logins(clock)
  const stopped = new AbortController()
  for (const name of named(4)) ask(name)
  ask('stopped', {signal: stopped.signal})
  ask('calm')
  ask('urgent', {isUrgent: true})
  await clock.run(0)
  stopped.abort()
  await clock.run(0)
  // Resolved at once, so that its caller can end, with no place to give back.
  expect(inside()).toEqual([...named(4), 'stopped'])
  leave('stopped')
  leave('stopped')
  leave('login0')
  await clock.run(0)
  expect(inside().slice(3)).toEqual(['urgent', 'calm'])
  for (const name of inside()) leave(name)
  await clock.run(0)
  expect(clock.pending).toBe(0)
})
