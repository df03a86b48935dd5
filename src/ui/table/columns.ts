export type ColumnKey =
  | 'host'
  | 'role'
  | 'since'
  | 'timeline'
  | 'lsn'
  | 'lagBytes'
  | 'lagTime'
  | 'upstream'
  | 'sync'
  | 'backends'
  | 'probe'
  | 'history'
  | 'walRate'
  | 'lagHistory'
  | 'groups'
  | 'notes'

export type Column = Readonly<{
  key: ColumnKey
  title: string
  /** Columns with a low rank stay longest as the terminal narrows. */
  rank: number
  /** Least width: a value that changes often must not move the next columns. */
  least: number
  /** Most width at first; a column may get more from what is left over. */
  most: number
  side: 'left' | 'right'
}>

const column = (
  key: ColumnKey,
  title: string,
  rank: number,
  {least, most, side = 'left'}: Pick<Column, 'least' | 'most'> & Partial<Pick<Column, 'side'>>,
): Column => ({key, title, rank, least, most, side})

/** In the order in which they are shown. */
export const columns: readonly Column[] = [
  column('host', 'HOST', 1, {least: 4, most: 24}),
  column('role', 'ROLE', 2, {least: 13, most: 13}),
  column('since', 'FOR', 3, {least: 6, most: 6, side: 'right'}),
  column('timeline', 'TL', 6, {least: 2, most: 6, side: 'right'}),
  column('lsn', 'LSN', 9, {least: 10, most: 17, side: 'right'}),
  column('walRate', 'WAL/S', 13, {least: 7, most: 7, side: 'right'}),
  column('lagBytes', 'LAG', 5, {least: 7, most: 7, side: 'right'}),
  column('lagHistory', 'TREND', 15, {least: 8, most: 8}),
  column('lagTime', 'BEHIND', 7, {least: 6, most: 6, side: 'right'}),
  column('upstream', 'UPSTREAM', 8, {least: 8, most: 21}),
  column('sync', 'SYNC', 10, {least: 5, most: 9}),
  column('backends', 'BACKENDS', 14, {least: 8, most: 11, side: 'right'}),
  column('probe', 'PROBE', 12, {least: 6, most: 6, side: 'right'}),
  column('history', 'TREND', 16, {least: 8, most: 8}),
  column('groups', 'GROUPS', 17, {least: 6, most: 20}),
  column('notes', 'NOTES', 11, {least: 13, most: 13}),
]

export type Shown = Readonly<{column: Column; width: number}>

/** Cells between two columns: one on a narrow screen, else two. */
export const gapOf = (width: number): number => (width < 72 ? 1 : 2)

/**
 * The columns that fit into a line of `width` cells. `natural`: the width of the longest text of
 * each column; a column without one has nothing to show. Columns are dropped by rank, so that a
 * wider screen never shows less. Host and role stay at any width.
 */
export function shownColumns(natural: Readonly<Partial<Record<ColumnKey, number>>>, width: number): readonly Shown[] {
  const gap = gapOf(width)
  const chosen = new Map<ColumnKey, number>()
  let left = width + gap
  for (const {key, rank, least, most} of columns.toSorted((a, b) => a.rank - b.rank)) {
    const content = natural[key]
    if (content === undefined) continue
    const wanted = Math.min(Math.max(content, least), most)
    if (wanted + gap > left && rank > 2) break
    chosen.set(key, wanted)
    left -= wanted + gap
  }
  // Too narrow for host and role: first the host shrinks to four cells, then the role is cut.
  if (left < 0) {
    const host = Math.max(4, (chosen.get('host') ?? 0) + left)
    left -= host - (chosen.get('host') ?? 0)
    chosen.set('host', host)
    if (left < 0) chosen.set('role', Math.max(1, (chosen.get('role') ?? 0) + left))
  }
  for (const key of ['host', 'notes', 'upstream', 'groups'] as const) {
    const [given, wanted] = [chosen.get(key), natural[key] ?? 0]
    if (given === undefined || left <= 0 || wanted <= given) continue
    const more = Math.min(left, wanted - given)
    chosen.set(key, given + more)
    left -= more
  }
  return columns.flatMap((item) => {
    const given = chosen.get(item.key)
    return given === undefined ? [] : [{column: item, width: given}]
  })
}
