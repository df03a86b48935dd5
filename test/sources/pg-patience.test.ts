import {expect, test} from 'vitest'
import {patience, RoundTrips} from '../../src/sources/pg/limits/patience.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

function attempt(stepMs: number | null, roundTripMs = 1) {
  const clock = new VirtualClock()
  const caller = new AbortController()
  const roundTrips = new RoundTrips(clock)
  const measure = async () => {
    const answered = roundTrips.begin()
    await clock.run(roundTripMs)
    answered()
  }
  return {clock, caller, measure, limits: patience(clock, roundTrips, stepMs, caller.signal)}
}

test('every step has a limit of its own', async () => {
  const {clock, limits} = attempt(1_000)
  for (const step of ['name', 'handshake', 'tlsOffer', 'tls', 'login', 'question'] as const) {
    limits.begin(step)
    await clock.run(900)
    expect(limits.signal.aborted).toBe(false)
  }
  await clock.run(101)
  expect(limits.signal.aborted).toBe(true)
})

test('a distant host has the time that the round trips of a step take, and no longer', async () => {
  const {clock, limits, measure} = attempt(1_000, 800)
  for (let again = 0; again < 50; again += 1) await measure()
  limits.begin('login')
  await clock.run(4 * 800 - 1)
  expect(limits.signal.aborted).toBe(false)
  await clock.run(2)
  expect(limits.signal.aborted).toBe(true)
})

test('after the last step no timer is left', async () => {
  const {clock, limits} = attempt(1_000)
  limits.begin('question')
  limits[Symbol.dispose]()
  expect(clock.pending).toBe(0)
})

test('without a limit for steps, the caller alone gives up', async () => {
  const {clock, caller, limits} = attempt(null)
  limits.begin('login')
  await clock.run(60_000)
  expect(limits.signal.aborted).toBe(false)
  caller.abort()
  expect(limits.signal.aborted).toBe(true)
})
