import type {ProbeSettings} from '../core/settings.ts'

const stirredMs = 10_000
const longestMs = 60_000

/** What decides how often a group is probed. All times are monotonic. */
export type PaceState = Readonly<{
  /** Its verdict is settled: one primary, and in sight. */
  isSettled: boolean
  /** When something of the group changed last. */
  changedAt: number
  /** When the fast episode began that may still be going on; `null`: the group is calm. */
  fastSince: number | null
}>

export const newPace: PaceState = {isSettled: false, changedAt: Number.NEGATIVE_INFINITY, fastSince: null}

/** Something of the group changed. */
export const paceChanged = (state: PaceState, isSettled: boolean, now: number): PaceState => ({
  ...state,
  isSettled,
  changedAt: now,
})

export type PacePlan = Readonly<{state: PaceState; isFast: boolean; intervalMs: number}>

/**
 * How often a group is probed as of `now` (DESIGN 5): fast while its verdict is not settled, or a
 * host changed in the last ten seconds, and for at most a minute on end: a cluster that is down for
 * the night is not worth ten questions a second. The minute begins with the first plan that finds
 * the group stirred, so `state` of one plan goes into the next.
 */
export function planPace(
  state: PaceState,
  now: number,
  {intervalMs, fastIntervalMs}: Pick<ProbeSettings, 'intervalMs' | 'fastIntervalMs'>,
): PacePlan {
  const isStirred = !state.isSettled || now - state.changedAt < stirredMs
  const fastSince = isStirred ? (state.fastSince ?? now) : null
  const isFast = fastSince !== null && now - fastSince < longestMs
  return {
    state: fastSince === state.fastSince ? state : {...state, fastSince},
    isFast,
    intervalMs: isFast ? Math.min(fastIntervalMs, intervalMs) : intervalMs,
  }
}
