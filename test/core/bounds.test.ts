import {expect, test} from 'vitest'
import {boundsOf} from '../../src/core/reports/bounds.ts'
import type {ProbeSettings} from '../../src/core/settings.ts'

const normal: ProbeSettings = {
  intervalMs: 1_000,
  fastIntervalMs: 100,
  timeoutMs: 1_000,
  connectTimeoutMs: 3_000,
  maxAgeMs: 3_000,
  knockIntervalMs: 5_000,
  loggedKnockIntervalMs: 10_000,
  pingIntervalMs: 200,
  fastPingIntervalMs: 20,
  pingTimeoutMs: 500,
}
const fast = {...normal, intervalMs: 500, timeoutMs: 500, maxAgeMs: 1_500, pingIntervalMs: 100, pingTimeoutMs: 250}
const wan = {
  ...normal,
  intervalMs: 2_000,
  timeoutMs: 3_000,
  maxAgeMs: 10_000,
  pingIntervalMs: 500,
  pingTimeoutMs: 2_000,
}

/** A ping that is lost, half its time again for the alarm; without pings, a probe that is lost. */
test.each([
  ['the defaults', normal, [750, 950], 600, 3_000],
  ['a fast network', fast, [375, 475], 350, 1_500],
  ['a wide network', wan, [3_000, 3_500], 2_400, 10_000],
  ['no pings', {...normal, pingIntervalMs: 0}, [1_000, 2_000], 600, 3_000],
  ['no pings, and a long timeout', {...normal, pingIntervalMs: 0, timeoutMs: 2_000}, [2_000, 3_000], 1_400, 3_000],
  ['pings that are slower than probes', {...normal, pingTimeoutMs: 5_000}, [1_000, 2_000], 1_000, 3_000],
] as const)('%s', (_, probe, [from, to], falseAlarmMs, disagreeMs) => {
  expect(boundsOf(probe, [{onSilent: 'deny'}])).toEqual({noticedMs: {from, to}, falseAlarmMs, disagreeMs})
})

test('a source whose silence is held makes daemons disagree for longer', () => {
  const groups = [{onSilent: 'deny'}, {onSilent: {holdMs: 10_000}}, {onSilent: 'ignore'}] as const
  expect(boundsOf(normal, groups).disagreeMs).toBe(13_000)
})
