import {wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {blank, type Line, line} from './text/line.ts'

const keys: readonly (readonly [key: string, does: string])[] = [
  ['q, Ctrl-C', 'quit'],
  ['j k, arrows', 'select a host, or scroll; PgUp, PgDn, Home and End too'],
  ['enter', 'all details of the selected host; enter or Esc goes back'],
  ['s', 'sort by: as configured, name, role, lag, last change, probe time'],
  ['/', 'show only hosts with these words in name, role, cause, address, upstream, group or location; Esc clears'],
  ['g', 'show one group after the other, then all'],
  ['space', 'pause the table; the verdict stays live'],
  ['+ -', 'draw more often, less often; changes are always drawn at once'],
  ['e', 'the last 1,000 changes; / searches them. A daemon also knows those from before this screen was opened'],
  ['r', 'the routers: servers of HAProxy, databases of PgBouncer, questions of agent-check, hooks'],
  ['y', 'copy the selected host or change to the clipboard, where the terminal allows it (OSC 52)'],
  ['d', 'drain or resume the selected host: asks first, then orders it from the daemon'],
  ['a', 'accept the selected host as the primary: asks first'],
  ['m', 'freeze every actuator (maintenance), or end that: asks first'],
  ['Ctrl-Z', 'back to the shell; fg comes back'],
]

/** The meaning of the keys and the signs. */
export function help(width: number, {roles, alarm}: Glyphs): readonly Line[] {
  const legend: readonly (readonly [string, string])[] = [
    [`${roles.primary} primary`, 'the host is not in recovery; the verdict says whether it gets writes'],
    [`${roles.standby} standby`, 'the host is in recovery'],
    [`${roles.unavailable} unavailable`, 'the host does not answer or must not be counted; the line says why'],
    [alarm, 'the group has no primary that gets writes'],
    ['?', 'a value that should be known and is not'],
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
