import {describe, expect, test} from 'vitest'
import {newPace, type PaceState, paceChanged, planPace} from '../../src/monitor/pace.ts'
import {probeSettings} from '../support/settings.ts'

describe('pace', () => {
  const calm: PaceState = {isSettled: true, changedAt: Number.NEGATIVE_INFINITY, fastSince: null}
  const plan = (state: PaceState, now: number) => planPace(state, now, probeSettings)
  /** Plans at each of these times, one after the other. */
  const fastAt = (state: PaceState, ...times: readonly number[]) => {
    let next = state
    return times.map((now) => {
      const planned = plan(next, now)
      next = planned.state
      return planned.isFast
    })
  }

  test('a settled group is probed at the interval', () => expect(plan(calm, 0).intervalMs).toBe(1_000))
  test('a new group is probed fast', () => expect(plan(newPace, 0).intervalMs).toBe(100))
  test('a fast interval that is longer than the interval is not used', () =>
    expect(planPace(newPace, 0, {intervalMs: 1_000, fastIntervalMs: 5_000}).intervalMs).toBe(1_000))
  test('planning twice for the same moment changes nothing', () => {
    const {state} = plan(newPace, 7)
    expect(plan(state, 7)).toEqual({state, isFast: true, intervalMs: 100})
  })
  test('not settled: fast for one minute on end, then at the interval', () =>
    expect(fastAt({...calm, isSettled: false}, 0, 59_999, 60_000, 1e9)).toEqual([true, true, false, false]))
  test('a change makes the group fast for ten seconds', () =>
    expect(fastAt(paceChanged(calm, true, 1_000), 10_999, 11_000)).toEqual([true, false]))
  test('changes without end do not make it fast for longer than a minute', () => {
    let state = calm
    for (let now = 0; now < 200_000; now += 1_000) {
      const planned = plan(paceChanged(state, true, now), now)
      expect(planned.isFast).toBe(now < 60_000)
      state = planned.state
    }
  })
  test('calm in between begins a new minute', () => {
    const down = {...calm, isSettled: false} as const
    const slow = plan(plan(down, 0).state, 70_000)
    expect(slow.isFast).toBe(false)
    const rested = plan({...slow.state, isSettled: true}, 80_000)
    expect(rested).toMatchObject({isFast: false, state: {fastSince: null}})
    expect(plan({...rested.state, isSettled: false}, 90_000).isFast).toBe(true)
  })
})
