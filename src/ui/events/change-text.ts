import type {Change, GroupState, HostState} from '../../core/snapshot.ts'
import {rulingText} from '../../core/verdict/situation.ts'
import {timeOf} from '../../protocol/snapshot-json.ts'
import {causeText} from '../table/row.ts'
import {printable} from '../text/cells.ts'
import {verdictText} from '../text/verdict-text.ts'
import {subjectOf, transitionText} from './change-line.ts'

/** A change as one line of plain text for a file or a pipe: UTC time, subject, transition, reason. */
export const changeText = (wall: number, change: Change): string =>
  `${timeOf(wall)} ${subjectOf(change)} ${transitionText(change, '->')}: ${printable(change.why)}`

/** The current verdict of a group, in the same form. */
export function currentVerdictText(wall: number, {name, verdict}: GroupState): string {
  const what = `${printable(name)} ${verdictText(verdict)} (${rulingText(verdict)})`
  return `${timeOf(wall)} ${what} since ${timeOf(verdict.since)}: ${printable(verdict.why)}`
}

/** The current role of a host, in the same form. */
export const currentHostText = (wall: number, host: HostState): string => {
  const why = host.role === 'unavailable' ? `: ${causeText(host)}` : ''
  return `${timeOf(wall)} ${printable(host.host)} ${host.role} since ${timeOf(host.since)}${why}`
}
