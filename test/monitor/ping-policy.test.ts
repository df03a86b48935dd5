import {describe, expect, test} from 'vitest'
import {type PingState, type PingStep, planPing} from '../../src/monitor/pings/policy.ts'

const limits = {intervalMs: 200, timeoutMs: 500, graceMs: 250}
const alarm = (at: number, isHeard = false) => ({at, isHeard})

type Row = Readonly<{given: string; state: PingState; now: number; due: PingStep}>

/** Keyed by what is due: a new kind of step does not compile until it has rows here. */
const table: Readonly<Record<PingStep['kind'], readonly Row[]>> = {
  ping: [
    {
      given: 'nothing is under way, and the interval is over',
      state: {unansweredSince: null, askedAt: 1_000, alarm: null},
      now: 1_200,
      due: {kind: 'ping'},
    },
    {
      given: 'an alarm that an answer ended is no alarm',
      state: {unansweredSince: null, askedAt: 1_000, alarm: alarm(1_500)},
      now: 2_000,
      due: {kind: 'ping'},
    },
  ],
  wait: [
    {
      given: 'the last question, ping or probe, is younger than the interval',
      state: {unansweredSince: null, askedAt: 1_000, alarm: null},
      now: 1_199,
      due: {kind: 'wait', until: 1_200},
    },
    {
      given: 'a question is under way: no second one goes beside it, however long the interval is over',
      state: {unansweredSince: 1_000, askedAt: 1_000, alarm: null},
      now: 1_499,
      due: {kind: 'wait', until: 1_500},
    },
    {
      given: 'the alarm is young',
      state: {unansweredSince: 1_000, askedAt: 1_500, alarm: alarm(1_500)},
      now: 1_749,
      due: {kind: 'wait', until: 1_750},
    },
    {
      given: 'a new connection was answered: the limit of the probe decides about the session',
      state: {unansweredSince: 1_000, askedAt: 1_500, alarm: alarm(1_500, true)},
      now: 1_900,
      due: {kind: 'wait', until: 2_400},
    },
  ],
  alarm: [
    {
      given: 'the question under way is unanswered for the timeout, whatever was sent after it',
      state: {unansweredSince: 1_000, askedAt: 1_490, alarm: null},
      now: 1_500,
      due: {kind: 'alarm'},
    },
  ],
  lost: [
    {
      given: 'nothing was answered for the grace of the alarm',
      state: {unansweredSince: 1_000, askedAt: 1_500, alarm: alarm(1_500)},
      now: 1_750,
      due: {kind: 'lost'},
    },
  ],
}

describe('what is due of the pings of a session', () => {
  for (const [kind, rows] of Object.entries(table))
    for (const {given, state, now, due} of rows)
      test(`${kind}: ${given}`, () => expect(planPing(state, limits, now)).toEqual(due))
})
