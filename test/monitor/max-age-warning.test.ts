import {expect, test} from 'vitest'
import {maxAgeWarning} from '../../src/monitor/max-age-warning.ts'

/** What was said after each of `limitsMs`, for an interval of 1 s and a max_age of 3 s. */
function said(limitsMs: readonly number[]): readonly string[] {
  const lines: string[] = []
  const answered = maxAgeWarning({intervalMs: 1_000, maxAgeMs: 3_000}, (line) => lines.push(line))
  for (const limitMs of limitsMs) answered(limitMs)
  return lines
}
const times = (count: number, limitMs: number) => Array<number>(count).fill(limitMs)

test.each([
  {given: 'a limit that fits', limits: times(100, 2_000), lines: []},
  {given: 'nine limits in a row that do not fit', limits: times(9, 2_300), lines: []},
  {given: 'limits that mostly do not fit', limits: [...times(9, 2_300), 2_000, ...times(9, 2_300)], lines: []},
  {
    given: 'ten in a row that do not fit',
    limits: times(100, 2_300),
    lines: [/may take 2300ms.* is 3s: .* to 3500ms or/],
  },
  {
    given: 'still longer ones later',
    limits: [...times(30, 2_300), ...times(30, 2_500), ...times(30, 2_501)],
    lines: [/to 3500ms or/, /to 4s or/],
  },
])('$given', ({limits, lines}) => {
  expect(said(limits)).toEqual(lines.map((text) => expect.stringMatching(text)))
})
