/** What one primary wrote, from one promotion, or restored snapshot, to the next. */
export type Segment = Readonly<{timeline: number; writer: symbol; from: number; upTo: number}>

/** The WAL that a server holds, the oldest first: what is true, whatever the server says of it. */
export type History = readonly [...Segment[], Segment]

export const begun = (lsn: number): History => [{timeline: 1, writer: Symbol('first'), from: 0, upTo: lsn}]

export const openOf = (history: History): Segment => history[history.length - 1] as Segment

export function written(history: History, bytes: number): History {
  const open = openOf(history)
  return [...history.slice(0, -1), {...open, upTo: open.upTo + bytes}]
}

/** From here on another writer writes: what it writes is nobody else's. */
export function branched(history: History, timeline: number): History {
  const {upTo} = openOf(history)
  return [...history, {timeline, writer: Symbol(`timeline ${timeline}`), from: upTo, upTo}]
}

/** Without what is beyond `lsn` on the last timeline. */
export function cutBack(history: History, lsn: number): History {
  const open = openOf(history)
  return [...history.slice(0, -1), {...open, upTo: Math.max(open.from, Math.min(open.upTo, lsn))}]
}

/** Does `whole` go on where `part` ends? Only then can a server that holds `part` stream from it. */
export function isPrefix(part: History, whole: History): boolean {
  const last = part.length - 1
  return part.every(({writer, upTo}, index) => {
    const twin = whole[index]
    if (twin === undefined || twin.writer !== writer) return false
    return index < last ? twin.upTo === upTo : twin.upTo >= upTo
  })
}

/** What `history` has in common with `target`, from which it can stream then. */
export function rewound(history: History, target: History): History {
  const common: Segment[] = []
  for (const [index, segment] of history.entries()) {
    const twin = target[index]
    if (twin?.writer !== segment.writer) break
    common.push({...segment, upTo: Math.min(segment.upTo, twin.upTo)})
    if (twin.upTo !== segment.upTo) break
  }
  const last = common.pop()
  return last === undefined ? history : [...common, last]
}

/**
 * Does `one` hold commits that `other` lacks? What `excused` says up to where, by writer, counts for
 * nothing. Positions are told in whole bytes.
 */
export const holdsBeyond = (one: History, other: History, excused: ReadonlyMap<symbol, number>): boolean =>
  one.some(({writer, from, upTo}) => {
    const held = other.find((segment) => segment.writer === writer)?.upTo ?? from
    return Math.floor(upTo) > Math.floor(Math.max(held, excused.get(writer) ?? 0))
  })
