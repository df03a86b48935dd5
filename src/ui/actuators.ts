import type {Snapshot} from '../core/snapshot.ts'
import {ageText} from './text/age.ts'
import {pad, printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {cut, type Line, line} from './text/line.ts'

/**
 * Those that are told: a maintenance in a whole line, each that is not in step with what to do, and
 * one line for the others.
 */
export function actuatorLines(
  {maintenance, actuators}: Snapshot,
  width: number,
  wall: number,
  {dot, more}: Glyphs,
): readonly Line[] {
  const lines: Line[] = []
  if (maintenance !== null) {
    const {since, by, reason, until} = maintenance
    const end = until === null ? '' : `, ends in ${ageText(until - wall)}`
    const text = `MAINTENANCE by ${by} for ${ageText(wall - since)}${end}${reason === null ? '' : `: ${reason}`} ${dot} nobody is told anything`
    lines.push(...wrap(printable(text), Math.max(1, width - 2)).map((part) => line(pad(` ${part}`, width), 'warnBar')))
  }
  const all = Object.entries(actuators)
  for (const [name, {status, problems}] of all) {
    if (status !== 'out-of-sync') continue
    const text = printable(`${name} is not in step: ${problems.join('; ') || 'it is tried again'}`)
    lines.push(...wrap(text, width).map((part) => line(part, 'bad')))
  }
  const rest = all.filter(([, {status}]) => status !== 'out-of-sync').map(([name, {status}]) => `${name} ${status}`)
  if (rest.length > 0) lines.push(cut(line(printable(rest.join(` ${dot} `)), 'faint'), width, more))
  return lines
}
