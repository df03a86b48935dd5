import {formatDuration} from '../../core/duration.ts'
import type {Bounds} from '../../core/reports/bounds.ts'

/** What follows from the timers, one line each. */
export const boundsText = ({noticedMs: {from, to}, falseAlarmMs, disagreeMs}: Bounds): string =>
  [
    `a dead primary is noticed within ${formatDuration(from)}..${formatDuration(to)}, a crash at once`,
    `false alarm if the network is away for more than ${formatDuration(falseAlarmMs)}`,
    `two daemons may disagree for at most ${formatDuration(disagreeMs)}`,
  ].join('\n')
