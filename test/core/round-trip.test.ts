import {describe, expect, test} from 'vitest'
import {adaptedMs, measured, type RoundTrip} from '../../src/core/round-trip.ts'

const after = (...tripsMs: readonly number[]): RoundTrip | null =>
  tripsMs.reduce<RoundTrip | null>((estimate, tripMs) => measured(estimate, tripMs), null)
const steady = (tripMs: number) => after(...Array<number>(100).fill(tripMs))

describe('the estimate of a round trip (RFC 6298)', () => {
  test.each([
    {given: 'one round trip', trips: [100], estimate: {smoothedMs: 100, variationMs: 50}},
    {given: 'a second one of the same length', trips: [100, 100], estimate: {smoothedMs: 100, variationMs: 37.5}},
    {given: 'a second one that is longer', trips: [100, 180], estimate: {smoothedMs: 110, variationMs: 57.5}},
    {given: 'a second one that is shorter', trips: [100, 20], estimate: {smoothedMs: 90, variationMs: 57.5}},
  ])('$given', ({trips, estimate}) => {
    expect(after(...trips)).toEqual(estimate)
  })

  test('the same round trip again and again: no variation is left', () => {
    expect(steady(800)?.smoothedMs).toBe(800)
    expect(steady(800)?.variationMs).toBeCloseTo(0)
  })
})

describe('a limit', () => {
  test.each([
    {given: 'nothing was measured', estimate: null, trips: 8, thenMs: 1_000},
    {given: 'a local network', estimate: steady(1), trips: 8, thenMs: 1_000},
    {given: 'a distant host, one round trip', estimate: steady(800), trips: 1, thenMs: 1_000},
    {given: 'a distant host, four round trips', estimate: steady(800), trips: 4, thenMs: 3_200},
    {given: 'round trips that vary', estimate: {smoothedMs: 100, variationMs: 250}, trips: 2, thenMs: 2_200},
    {given: 'round trips beyond reason', estimate: after(60_000), trips: 2, thenMs: 10_000},
  ])('of one second: $given', ({estimate, trips, thenMs}) => {
    expect(adaptedMs(1_000, trips, estimate)).toBeCloseTo(thenMs)
  })
})
