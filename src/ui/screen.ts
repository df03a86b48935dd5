import type {HostState} from '../core/snapshot.ts'
import type {Action, Outcome} from './action.ts'
import {actuatorLines} from './actuators.ts'
import {banner} from './banner.ts'
import {details} from './details.ts'
import {changeLine, changeLines, concerns} from './events/change-line.ts'
import {footer} from './footer.ts'
import type {Frame} from './frame.ts'
import {help} from './help.ts'
import type {ScreenState} from './screen-state.ts'
import {hostsOf, matches} from './table/filter.ts'
import {sorted} from './table/sort.ts'
import {table} from './table/table.ts'
import {scrolled} from './table/viewport.ts'
import {ageText, timeText} from './text/age.ts'
import {pad, printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {blank, cut, type Line, line} from './text/line.ts'

export type Size = Readonly<{columns: number; rows: number}>
export type Look = Readonly<{glyphs: Glyphs; title: string | null; actions: readonly Action[]; outcome: Outcome | null}>

/** `hidden`: lines of a scrolling view that do not fit. */
export type Screen = Readonly<{
  lines: readonly Line[]
  hosts: readonly string[]
  selected: string | null
  page: number
  hidden: number
}>

/**
 * The whole screen: exactly `rows` lines of at most `columns` cells, so that the terminal never
 * wraps or scrolls. A small screen loses the changes first, then the table, then the keys. The
 * verdict stays to the last line.
 */
export function compose(frame: Frame, state: ScreenState, size: Size, look: Look): Screen {
  const {columns: width, rows} = size
  const {glyphs} = look
  const still = state.held ?? frame
  const hosts = sorted(
    hostsOf(still.snapshot, state.group).filter((host) => matches(host, state.filter)),
    state.sort,
  )
  const selected = hosts.find(({host}) => host === state.selected) ?? hosts[0] ?? null

  // The verdict is always drawn from the live frame: a paused screen must not show a primary that is
  // gone.
  const verdicts = banner(frame.snapshot, {
    width,
    height: rows < 10 ? rows : Math.floor(rows / 2),
    wall: frame.wall,
    glyphs,
    group: state.group,
  })
  const told = actuatorLines(frame.snapshot, width, frame.wall, glyphs).slice(
    0,
    Math.max(0, rows - verdicts.length - 8),
  )
  const above = [...verdicts, ...told]
  const top = rows - above.length >= 12 ? [...above, blank] : above
  const notes = status(frame, state, look, width)
  const keys = footer(state, look.actions, Object.keys(frame.snapshot.groups).length, width)
  const title = look.title === null ? [] : [line(look.title, 'strong')]
  const room = Math.max(0, rows - top.length - notes.length - keys.length - title.length)

  const content: Content = {frame: still, state, selected, hosts, width, glyphs}
  const all = scrollingView(content)
  const middle = all === null ? overview(content, room) : pageOf(all, state.offset, room)
  const filler = Array.from({length: Math.max(0, room - middle.length)}, () => blank)
  const lines = room > 0 ? [...title, ...top, ...middle, ...filler, ...notes, ...keys] : [...top, ...notes, ...keys]
  return {
    lines: lines.slice(0, rows).map((spans) => cut(spans, width, glyphs.more)),
    hosts: hosts.map(({host}) => host),
    selected: selected?.host ?? null,
    page: Math.max(1, room - 2),
    hidden: all === null || all.length <= room ? 0 : all.length - Math.max(0, room - 1),
  }
}

/** What the middle of the screen is drawn from. `hosts`: filtered and sorted. */
type Content = Readonly<{
  frame: Frame
  state: ScreenState
  selected: HostState | null
  hosts: readonly HostState[]
  width: number
  glyphs: Glyphs
}>

/** One page of a scrolling view. Its last line says how many lines follow. */
function pageOf(lines: readonly Line[], offset: number, room: number): readonly Line[] {
  if (lines.length <= room) return lines
  const shown = scrolled(lines, offset, room - 1)
  const left = lines.length - Math.min(offset, lines.length - shown.length) - shown.length
  return [...shown, line(left > 0 ? `${left} more lines below` : 'the end', 'faint')].slice(0, room)
}

/** The lines of a scrolling view; `null`: the view is the table. */
function scrollingView({frame, state, selected, hosts, width, glyphs}: Content): readonly Line[] | null {
  if (state.view === 'help') return help(width, glyphs)
  if (state.view === 'details' && selected !== null) return details(selected, frame, width, glyphs)
  if (state.view !== 'changes') return null
  const received = changesOf(frame, state, hosts)
  return received.length === 0
    ? [quiet(frame)]
    : received.flatMap((item) => changeLines(item, {width, wall: frame.wall, glyphs}))
}

/**
 * The table, and below it the last changes: at least three where the screen has room, more where
 * the table leaves room.
 */
function overview(content: Content, rows: number): readonly Line[] {
  const {frame, state, selected, hosts, width, glyphs} = content
  const wanted = rows >= 12 ? Math.max(4, rows - hosts.length - 2) : rows - hosts.length - 2
  const below =
    wanted >= 2 ? [line(pad('', width).replaceAll(' ', glyphs.rule), 'faint'), ...lastChanges(content, wanted - 1)] : []
  const height = rows - below.length
  const top =
    hosts.length === 0
      ? [none(frame, state)]
      : table(hosts, frame, {width, height, glyphs, selected: selected?.host ?? ''})
  const filler = Array.from({length: Math.max(0, Math.min(1, height - top.length))}, () => blank)
  return [...top.slice(0, height), ...filler, ...below].slice(0, rows)
}

function lastChanges({frame, state, hosts, width, glyphs}: Content, count: number): readonly Line[] {
  const received = changesOf(frame, state, hosts)
  return received.length === 0
    ? [quiet(frame)]
    : received.slice(0, count).map((item) => changeLine(item, {width, wall: frame.wall, glyphs}))
}

const changesOf = ({changes}: Frame, {group}: ScreenState, hosts: readonly HostState[]): Frame['changes'] =>
  changes.filter(({change}) =>
    concerns(
      change,
      group,
      hosts.map(({host}) => host),
    ),
  )

const quiet = ({startedAt, wall}: Frame): Line =>
  line(`no change in ${ageText(wall - startedAt)}, since ${timeText(startedAt)}`, 'faint')

const none = ({snapshot}: Frame, {filter}: ScreenState): Line =>
  Object.keys(snapshot.hosts).length === 0 ? line('no hosts', 'warn') : line(`no host matches "${filter}"`, 'warn')

/** Reminders for the reader: the table is paused, hosts are hidden, and what an action did. */
function status({wall}: Frame, {held, filter, isTyping}: ScreenState, {outcome}: Look, width: number): readonly Line[] {
  const lines: Line[] = []
  if (held !== null)
    lines.push(
      line(` PAUSED ${ageText(wall - held.wall)} ago: the table stands still, the verdict is live `, 'warnBar'),
    )
  if (isTyping) lines.push([...line('/', 'strong'), ...line(`${printable(filter)}_`)])
  else if (filter !== '') lines.push(line(`showing only hosts that match "${printable(filter)}" (esc clears)`, 'warn'))
  if (outcome !== null) {
    const tone = outcome.kind === 'failed' ? 'bad' : outcome.kind === 'done' ? 'good' : 'warn'
    lines.push(...wrap(printable(outcome.text), width).map((text) => line(text, tone)))
  }
  return lines
}
