import type {Snapshot} from '../core/snapshot.ts'
import {ageText} from '../core/words/age.ts'
import {pad, printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {cut, type Line, line} from './text/line.ts'

/**
 * The actuators: a whole line for maintenance, a line for each actuator that is out of sync with
 * its problems, and one line for the others, unless the routers have a pane of their own.
 */
export function actuatorLines(
  {maintenance, actuators}: Snapshot,
  width: number,
  wall: number,
  {dot, more}: Glyphs,
  hasPane = false,
): readonly Line[] {
  const lines: Line[] = []
  if (maintenance !== null) {
    const {since, by, reason, until} = maintenance
    const end = until === null ? '' : `, ends in ${ageText(until - wall)}`
    const why = reason === null ? '' : `: ${reason}`
    const text = `MAINTENANCE by ${by} for ${ageText(wall - since)}${end}${why} ${dot} actuators are frozen`
    lines.push(...wrap(printable(text), Math.max(1, width - 2)).map((part) => line(pad(` ${part}`, width), 'warnBar')))
  }
  const all = Object.entries(actuators)
  for (const [name, {status, problems}] of all) {
    if (status !== 'out-of-sync') continue
    const text = printable(`${name} is out of sync: ${problems.join('; ') || 'the daemon retries'}`)
    lines.push(...wrap(text, width).map((part) => line(part, 'bad')))
  }
  if (hasPane) return lines
  const rest = all.filter(([, {status}]) => status !== 'out-of-sync').map(([name, {status}]) => `${name} ${status}`)
  if (rest.length > 0) lines.push(cut(line(printable(rest.join(` ${dot} `)), 'faint'), width, more))
  return lines
}
