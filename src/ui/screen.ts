import type {HostState} from '../core/snapshot.ts'
import {ageText} from '../core/words/age.ts'
import {ownersOf} from '../core/words/owners.ts'
import type {Action, Outcome} from './action.ts'
import {actuatorLines} from './actuators.ts'
import {banner} from './banner.ts'
import {details} from './details.ts'
import {changeLine, concerns, wholeChange} from './events/change-line.ts'
import {changesView, foundIn} from './events/changes-view.ts'
import {footer} from './footer.ts'
import type {Frame, Received} from './frame.ts'
import {help} from './help.ts'
import {routerLines, routerPane} from './routers.ts'
import type {ScreenState} from './screen-state.ts'
import {hostsOf, matches} from './table/filter.ts'
import {sorted} from './table/sort.ts'
import {tableOf, type Widths} from './table/table.ts'
import {scrolled} from './table/viewport.ts'
import {timeText} from './text/age.ts'
import {pad, printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {blank, cut, type Line, line} from './text/line.ts'

export type Size = Readonly<{columns: number; rows: number}>
export type Look = Readonly<{
  glyphs: Glyphs
  title: string | null
  actions: readonly Action[]
  outcome: Outcome | null
  /** Widths of the columns at the drawing before. */
  widths?: Widths
}>

/** `hidden`: lines of a scrolling view that do not fit. */
export type Screen = Readonly<{
  lines: readonly Line[]
  hosts: readonly string[]
  selected: string | null
  /** The changes that the view of them shows. */
  changes: readonly Received[]
  widths: Widths
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
  const hasPane = state.view === 'table' && (frame.routers?.length ?? 0) > 0 && rows >= 20
  const told = actuatorLines(frame.snapshot, width, frame.wall, glyphs, hasPane).slice(
    0,
    Math.max(0, rows - verdicts.length - 8),
  )
  const owners = ownersOf(frame.snapshot)
  const set = owners === null || rows < 12 ? [] : [line(printable(owners.text), owners.isWhole ? 'faint' : 'warn')]
  const above = [...verdicts, ...set, ...told]
  const top = rows - above.length >= 12 ? [...above, blank] : above
  const notes = status(frame, state, look, width)
  const keys = footer(state, look.actions, Object.keys(frame.snapshot.groups).length, width)
  const title = look.title === null || rows < 8 ? [] : [line(printable(look.title), 'faint')]
  const room = Math.max(0, rows - top.length - notes.length - keys.length - title.length)

  const changes = foundIn(changesOf(still, state, hosts), state.view === 'changes' ? state.search : '')
  const widths = look.widths ?? {}
  const content: Content = {frame: still, state, selected, hosts, changes, width, glyphs, widths, hasPane}
  const all = scrollingView(content)
  const drawn = all === null ? overview(content, room) : {lines: pageOf(all, state.offset, room), widths}
  const middle = state.view === 'changes' ? changesIn(content, room) : drawn.lines
  const filler = Array.from({length: Math.max(0, room - middle.length)}, () => blank)
  const lines = room > 0 ? [...title, ...top, ...middle, ...filler, ...notes, ...keys] : [...top, ...notes, ...keys]
  return {
    lines: lines.slice(0, rows).map((spans) => cut(spans, width, glyphs.more)),
    hosts: hosts.map(({host}) => host),
    selected: selected?.host ?? null,
    changes,
    widths: drawn.widths,
    page: Math.max(1, state.view === 'changes' ? Math.floor(room / 3) : room - 2),
    hidden: all === null || all.length <= room ? 0 : all.length - Math.max(0, room - 1),
  }
}

/** What the middle of the screen is drawn from. `hosts`: filtered and sorted. */
type Content = Readonly<{
  frame: Frame
  state: ScreenState
  selected: HostState | null
  hosts: readonly HostState[]
  changes: readonly Received[]
  width: number
  glyphs: Glyphs
  widths: Widths
  /** The routers have a pane below the table. */
  hasPane: boolean
}>

/** One page of a scrolling view. Its last line says how many lines follow. */
function pageOf(lines: readonly Line[], offset: number, room: number): readonly Line[] {
  if (lines.length <= room) return lines
  const shown = scrolled(lines, offset, room - 1)
  const left = lines.length - Math.min(offset, lines.length - shown.length) - shown.length
  return [...shown, line(left > 0 ? `${left} more lines below` : 'the end', 'faint')].slice(0, room)
}

/** The lines of a scrolling view; `null`: the view is the table. */
function scrollingView({frame, state, selected, width, glyphs}: Content): readonly Line[] | null {
  if (state.view === 'help') return help(width, glyphs)
  if (state.view === 'routers') return routerLines(frame, {width, glyphs})
  if (state.view === 'details' && selected !== null) return details(selected, frame, width, glyphs)
  return state.view === 'changes' ? [] : null
}

function changesIn({frame, state, changes, width, glyphs}: Content, height: number): readonly Line[] {
  if (changes.length > 0) return changesView(changes, frame, {width, height, glyphs, cursor: state.cursor})
  return state.search === '' ? [quiet(frame)] : [line(`no change has "${printable(state.search)}"`, 'warn')]
}

/**
 * The table, below it the routers, and the last changes: at least three where the screen has room,
 * more where the table leaves room. A reason takes as many lines as there are.
 */
function overview(content: Content, rows: number): Readonly<{lines: readonly Line[]; widths: Widths}> {
  const {frame, state, selected, hosts, width, glyphs, widths} = content
  const ruler = line(pad('', width).replaceAll(' ', glyphs.rule), 'faint')
  const pane = content.hasPane ? paneIn(content, rows - hosts.length - 8) : []
  const left = rows - (pane.length > 0 ? pane.length + 1 : 0)
  const wanted = left >= 12 ? Math.max(4, left - hosts.length - 2) : left - hosts.length - 2
  const changes = wanted >= 2 ? [ruler, ...lastChanges(content, wanted - 1)] : []
  const below = [...(pane.length > 0 ? [ruler, ...pane] : []), ...changes]
  const height = rows - below.length
  const top =
    hosts.length === 0
      ? {lines: [none(frame, state)], widths}
      : tableOf(hosts, frame, {width, height, glyphs, selected: selected?.host ?? '', widths})
  const filler = Array.from({length: Math.max(0, Math.min(1, height - top.lines.length))}, () => blank)
  return {lines: [...top.lines.slice(0, height), ...filler, ...below].slice(0, rows), widths: top.widths}
}

/** As many lines of the routers as fit; the last one says how many do not. */
function paneIn({frame, width, glyphs}: Content, most: number): readonly Line[] {
  const lines = routerPane(frame, {width, glyphs})
  if (lines.length <= most) return lines
  return most < 2 ? [] : [...lines.slice(0, most - 1), line(`${lines.length - most + 1} more lines: r`, 'faint')]
}

/** One line each. Where they leave room, the newest ones get whole reasons. */
function lastChanges({frame, changes, width, glyphs}: Content, count: number): readonly Line[] {
  if (changes.length === 0) return [quiet(frame)]
  const look = {width, wall: frame.wall, glyphs}
  const shown = changes.slice(0, count)
  let spare = count - shown.length
  return shown.flatMap((received) => {
    const brief = changeLine(received, look)
    const whole = wholeChange(received, look)
    if (whole.length - 1 > spare) return [brief]
    spare -= whole.length - 1
    return whole
  })
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
function status({wall}: Frame, state: ScreenState, {outcome}: Look, width: number): readonly Line[] {
  const {held, isTyping, view} = state
  const isSearch = view === 'changes'
  const filter = isSearch ? state.search : state.filter
  const lines: Line[] = []
  if (held !== null)
    lines.push(
      line(` PAUSED ${ageText(wall - held.wall)} ago: the table stands still, the verdict is live `, 'warnBar'),
    )
  if (isTyping) lines.push([...line('/', 'strong'), ...line(`${printable(filter)}_`)])
  else if (filter !== '' && isSearch)
    lines.push(line(`showing only changes with "${printable(filter)}" (esc clears)`, 'warn'))
  else if (filter !== '') lines.push(line(`showing only hosts that match "${printable(filter)}" (esc clears)`, 'warn'))
  if (outcome !== null) {
    const tone = outcome.kind === 'failed' ? 'bad' : outcome.kind === 'done' ? 'good' : 'warn'
    lines.push(...wrap(printable(outcome.text), width).map((text) => line(text, tone)))
  }
  return lines
}
