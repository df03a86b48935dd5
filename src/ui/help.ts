import {wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {blank, type Line, line} from './text/line.ts'

const keys: readonly (readonly [key: string, does: string])[] = [
  ['q, Ctrl-C', 'quit'],
  ['j k, arrows', 'select a host; scroll where there is more. PgUp, PgDn, Home, End too'],
  ['enter', 'everything that is known of the selected host; enter or Esc goes back'],
  ['s', 'sort by: as configured, name, role, lag, last change, probe time'],
  [
    '/',
    'show only hosts with these words in their name, role, cause, address, upstream, group or location; Esc clears',
  ],
  ['g', 'show one group after the other, then all'],
  ['space', 'hold the table still; the verdict stays live'],
  ['+ -', 'draw more often, less often. Changes are drawn when they happen, whatever this says'],
  ['e', 'the last 1,000 changes; from a daemon, those of before this screen was opened too'],
  ['d', 'drain the selected host, or resume it; asks first, and is done by the daemon'],
]

/** What the keys and the signs mean. */
export function help(width: number, {roles, alarm}: Glyphs): readonly Line[] {
  const legend: readonly (readonly [string, string])[] = [
    [`${roles.primary} primary`, 'answers that it is not in recovery; whether it is written to, the verdict says'],
    [`${roles.standby} standby`, 'is in recovery'],
    [`${roles.unavailable} unavailable`, 'cannot be asked, or must not be counted; the line says why'],
    [alarm, 'the verdict is not one primary that is routed to'],
    ['?', 'unknown: it ought to be known, and is not'],
    ['V0 ... V5', 'the rule that decided: starting, split brain, old timeline, not confirmed, primary, none'],
  ]
  return [line('keys', 'strong'), ...listed(keys, width), blank, line('signs', 'strong'), ...listed(legend, width)]
}

const listed = (entries: readonly (readonly [string, string])[], width: number): readonly Line[] =>
  entries.flatMap(([key, does]) =>
    wrap(does, Math.max(1, width - 15)).map(
      (text, index): Line => [...line(`${(index === 0 ? key : '').padEnd(14)} `, 'strong'), ...line(text)],
    ),
  )
