import type {HostState} from '../../core/snapshot.ts'
import type {Frame} from '../frame.ts'
import {clip, clipMiddle, pad, widthOf} from '../text/cells.ts'
import type {Glyphs} from '../text/glyphs.ts'
import {cut, type Line, line, type Span, type Tone, textOf} from '../text/line.ts'
import {type ColumnKey, columns, gapOf, type Shown, shownColumns} from './columns.ts'
import {type Row, rowOf} from './row.ts'
import {firstShown} from './viewport.ts'

export type TableLook = Readonly<{
  width: number
  /** Lines, including the heading. Infinity: all of them. */
  height: number
  glyphs: Glyphs
  /** `null`: no row is marked, and the table has no column for the mark. */
  selected: string | null
  /** Widths that the columns had before: a column never gets narrower, so that no column moves. */
  widths?: Widths
}>

/** Of the longest text that each column has shown. */
export type Widths = Readonly<Partial<Record<ColumnKey, number>>>

/** The hosts as a table with the columns that fit. The visible rows follow the selected one. */
export const table = (hosts: readonly HostState[], frame: Frame, look: TableLook): readonly Line[] =>
  tableOf(hosts, frame, look).lines

/** The same, with the widths for the next drawing. */
export function tableOf(
  hosts: readonly HostState[],
  frame: Frame,
  look: TableLook,
): Readonly<{lines: readonly Line[]; widths: Widths}> {
  if (look.height <= 0) return {lines: [], widths: look.widths ?? {}}
  const margin = look.selected === null ? 0 : gapOf(look.width)
  const width = look.width - margin
  const rows = hosts.map((host) => rowOf(host, frame, look.glyphs))
  const hasGroups = Object.keys(frame.snapshot.groups).length > 1
  const widths = wider(look.widths ?? {}, naturalWidths(rows, hasGroups, look.selected !== null))
  const shown = shownColumns(widths, width)
  const {more} = look.glyphs
  const heading = shown
    .map(({column, width: cells}) => pad(column.title, cells, column.side, more))
    .join(' '.repeat(gapOf(width)))

  const room = look.height - 1
  const isCut = rows.length > room
  const visible = isCut ? Math.max(0, room - 1) : rows.length
  const at = Math.max(
    0,
    rows.findIndex(({host}) => host.host === look.selected),
  )
  const first = firstShown(rows.length, at, visible)
  const body = rows.slice(first, first + visible).map((row) => {
    const isSelected = row.host.host === look.selected
    const mark: Span[] =
      margin === 0 ? [] : [{text: pad(isSelected ? look.glyphs.pointer : '', margin), tone: 'strong'}]
    return [...mark, ...cells(row, isSelected, {shown, width, glyphs: look.glyphs})]
  })
  const count = `${first + 1}-${first + visible} of ${rows.length} hosts`
  const lines = [
    line(' '.repeat(margin) + heading, 'faint'),
    ...body,
    ...(isCut && room > 0 ? [line(clip(`  ${count}`, look.width), 'faint')] : []),
  ]
  return {lines, widths}
}

function wider(before: Widths, now: Widths): Widths {
  const grown = Object.entries(now).map(([key, width]) => [key, Math.max(width, before[key as ColumnKey] ?? 0)])
  return {...before, ...Object.fromEntries(grown)}
}

/**
 * The width of the longest text of each column. The columns GROUPS and NOTES exist only where they
 * have something to show; on a screen NOTES has its place from the start (`isLive`).
 */
function naturalWidths(rows: readonly Row[], hasGroups: boolean, isLive: boolean): Partial<Record<ColumnKey, number>> {
  const natural: Partial<Record<ColumnKey, number>> = {}
  for (const {key, title} of columns) {
    const longest = Math.max(0, ...rows.map(({texts}) => widthOf(texts[key])))
    const isIdle = key === 'groups' ? !hasGroups || longest === 0 : key === 'notes' && longest === 0 && !isLive
    if (!isIdle) natural[key] = Math.max(longest, title.length)
  }
  return natural
}

const named: readonly ColumnKey[] = ['host', 'upstream']
const leading: readonly ColumnKey[] = ['host', 'role', 'since']

/**
 * The cells of one host. An unavailable host has no positions, so the reason why it is unavailable
 * takes the rest of the line.
 */
type RowLook = Readonly<{shown: readonly Shown[]; width: number; glyphs: Glyphs}>

function cells(row: Row, isSelected: boolean, {shown, width, glyphs: {more}}: RowLook): Line {
  const gap = ' '.repeat(gapOf(width))
  const spans: Span[] = []
  let used = 0
  for (const {column, width: size} of shown) {
    if (row.because !== null && !leading.includes(column.key)) break
    if (spans.length > 0) {
      spans.push({text: gap, tone: 'plain'})
      used += gap.length
    }
    const text = named.includes(column.key) ? clipMiddle(row.texts[column.key], size, more) : row.texts[column.key]
    spans.push({text: pad(text, size, column.side, more), tone: toneOf(row, column.key, isSelected)})
    used += size
  }
  const left = width - used - gap.length
  if (row.because !== null && shown.length > leading.length)
    spans.push({text: gap + clip(row.because, left, more), tone: 'bad'})
  return shown.some(({column}) => column.key === 'notes') ? spans : withNotes(row, spans, {width, more})
}

/**
 * Without a column for them, notes take the right end of the line, over what is there: a note is
 * rare, and it is what the reader must see.
 */
function withNotes(
  {texts: {notes}, because}: Row,
  spans: readonly Span[],
  {width, more}: Readonly<{width: number; more: string}>,
): Line {
  if (notes === '' || because !== null) return spans
  const text = clip(notes, Math.max(0, width - 24), more)
  const room = width - widthOf(text) - 1
  const kept = cut(spans, room, ' ')
  return [...kept, {text: `${' '.repeat(Math.max(0, room - widthOf(textOf(kept))))} ${text}`, tone: 'warn'}]
}

function toneOf({host, isRouted}: Row, key: ColumnKey, isSelected: boolean): Tone {
  if (key === 'role') return host.role === 'standby' ? 'plain' : isRouted ? 'good' : 'bad'
  if (key === 'notes') return 'warn'
  if (key === 'host' || isSelected) return 'strong'
  return key === 'history' || key === 'lagHistory' ? 'faint' : 'plain'
}
