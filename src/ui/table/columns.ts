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
  | 'groups'
  | 'notes'

export type Column = Readonly<{
  key: ColumnKey
  title: string
  /** The lower, the longer it stays as the terminal narrows. */
  rank: number
  /** Width whatever the values: those that change often must not make their neighbours jump. */
  least: number
  /** Width that is asked for at most; more is given from what is left over. */
  most: number
  side: 'left' | 'right'
}>

const column = (
  key: ColumnKey,
  title: string,
  rank: number,
  [least, most]: [number, number],
  side: 'left' | 'right' = 'left',
): Column => ({
  key,
  title,
  rank,
  least,
  most,
  side,
})

/** In the order in which they are shown. */
export const columns: readonly Column[] = [
  column('host', 'HOST', 1, [4, 24]),
  column('role', 'ROLE', 2, [13, 13]),
  column('since', 'FOR', 3, [6, 6], 'right'),
  column('timeline', 'TL', 6, [2, 6], 'right'),
  column('lsn', 'LSN', 9, [10, 17], 'right'),
  column('lagBytes', 'LAG', 5, [7, 7], 'right'),
  column('lagTime', 'BEHIND', 7, [6, 6], 'right'),
  column('upstream', 'UPSTREAM', 8, [8, 21]),
  column('sync', 'SYNC', 10, [5, 9]),
  column('backends', 'BACKENDS', 12, [8, 11], 'right'),
  column('probe', 'PROBE', 11, [6, 6], 'right'),
  column('history', '', 13, [8, 8]),
  column('groups', 'GROUPS', 14, [6, 20]),
  column('notes', 'NOTES', 4, [5, 19]),
]

export type Shown = Readonly<{column: Column; width: number}>

/** Cells between two columns: on a narrow screen one is enough. */
export const gapOf = (width: number): number => (width < 72 ? 1 : 2)

/**
 * Which columns a line of `width` cells has room for. `natural`: the width of each one's longest
 * text; a column without it has nothing to show. They leave in the order of their rank, so that a
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
  // Too narrow for host and role: the host gives way, down to a few letters, then the role is
  // clipped.
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
