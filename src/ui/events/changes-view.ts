import type {Frame, Received} from '../frame.ts'
import type {Glyphs} from '../text/glyphs.ts'
import {type Line, line} from '../text/line.ts'
import {changeLines, subjectOf, transitionText} from './change-line.ts'

/** The changes whose subject, transition or reason has every word of `search`. */
export function foundIn(changes: readonly Received[], search: string): readonly Received[] {
  const words = search.toLowerCase().split(' ').filter(Boolean)
  if (words.length === 0) return changes
  return changes.filter((received) => {
    const text = textFor(received).toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** One change as one line of text, for searching and copying. */
export const textFor = ({at, change}: Received): string =>
  `${new Date(at).toISOString()} ${subjectOf(change)} ${transitionText(change, '->')}: ${change.why}`

export type ChangesLook = Readonly<{width: number; height: number; glyphs: Glyphs; cursor: Received | null}>

/**
 * The changes, newest first, each on as many lines as it needs. The selected one is always visible:
 * the newest, until the reader selects another.
 */
export function changesView(changes: readonly Received[], frame: Frame, look: ChangesLook): readonly Line[] {
  const {width, height, glyphs, cursor} = look
  const at = Math.max(0, cursor === null ? 0 : changes.indexOf(cursor))
  const blocks = changes.map((received, index) =>
    changeLines(received, {width: width - 2, wall: frame.wall, glyphs}).map(
      (spans, row): Line => [...line(index === at && row === 0 ? `${glyphs.pointer} ` : '  ', 'strong'), ...spans],
    ),
  )
  const first = firstBlock(
    blocks.map((lines) => lines.length),
    at,
    height - 1,
  )
  const shown = blocks
    .slice(first)
    .flat()
    .slice(0, Math.max(0, height - 1))
  const count = `change ${at + 1} of ${changes.length}, the newest is first`
  return [...shown, line(count, 'faint')].slice(0, height)
}

/** The first block to show, so that block `at` fits whole into `height` lines, or begins there. */
function firstBlock(sizes: readonly number[], at: number, height: number): number {
  let first = at
  let used = sizes[at] ?? 0
  while (first > 0 && used + (sizes[first - 1] ?? 0) <= height) {
    first -= 1
    used += sizes[first] ?? 0
  }
  return first
}
