import stringWidth from 'string-width'

const segmenter = new Intl.Segmenter(undefined, {granularity: 'grapheme'})

/**
 * Characters of one cell each that never join with a neighbour: ASCII, Latin letters and the glyphs
 * of `glyphs.ts`. Most lines hold nothing else. The first other character costs 45 ms of CPU (seen),
 * which string-width spends on its tables of emoji; `watch --once` is spared that.
 */
export const simple =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2026\u2192\u2500\u2581-\u2588\u25b2\u25b8\u25cb\u25cf\u2717]*$/

const unsafe = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]+/gu

/**
 * Replaces control characters: a server's message may contain line breaks, terminal sequences, or
 * marks that reverse the reading order, and none of them may reach the screen.
 */
export const printable = (text: string): string => text.replace(unsafe, ' ')

/**
 * How many terminal cells `text` takes (Unicode Standard Annex 11). Characters of ambiguous width
 * count as one cell, which is what terminals do outside of CJK locales.
 */
export const widthOf = (text: string): number => (simple.test(text) ? text.length : stringWidth(text))

/** At most `width` cells of `text`. `mark` (one cell) stands for the part that was cut off. */
export function clip(text: string, width: number, mark = '…'): string {
  if (widthOf(text) <= width) return text
  return width > 0 ? prefixOf(text, width - 1) + mark : ''
}

/**
 * As `clip`, but cut in the middle: names that share a long beginning (`orders-eu-west-1`, `-2`)
 * stay distinguishable by their end.
 */
export function clipMiddle(text: string, width: number, mark = '…'): string {
  if (widthOf(text) <= width || width < 3) return clip(text, width, mark)
  const tail = suffixOf(text, Math.floor((width - 1) / 2))
  return prefixOf(text, width - 1 - widthOf(tail)) + mark + tail
}

/** Exactly `width` cells. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'left', mark = '…'): string {
  const clipped = clip(text, width, mark)
  const space = ' '.repeat(Math.max(0, width - widthOf(clipped)))
  return side === 'left' ? clipped + space : space + clipped
}

/**
 * Breaks at spaces into lines of at most `width` cells; a word that is longer than a line is broken
 * where the line ends.
 */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`
    if (widthOf(joined) <= width) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (widthOf(line) > width) {
      // At least one grapheme, so that the loop ends where a line is narrower than a character.
      const head = prefixOf(line, width) || firstOf(line)
      if (head === line) break
      lines.push(head)
      line = line.slice(head.length)
    }
  }
  return [...lines, line]
}

// slice-ansi and cli-truncate are not used: they parse escape sequences, which `printable` has already
// removed, and `watch --once` would have to load them.

const graphemesOf = (text: string): readonly string[] =>
  simple.test(text) ? text.split('') : Array.from(segmenter.segment(text), ({segment}) => segment)

const firstOf = (text: string): string => graphemesOf(text)[0] ?? ''

/** The longest beginning of `text` within `width` cells; a grapheme is never cut in two. */
function prefixOf(text: string, width: number): string {
  return fitting(graphemesOf(text), width).join('')
}

/** The longest end of `text` within `width` cells. */
function suffixOf(text: string, width: number): string {
  return fitting(graphemesOf(text).toReversed(), width).toReversed().join('')
}

function fitting(graphemes: readonly string[], width: number): readonly string[] {
  let used = 0
  const end = graphemes.findIndex((grapheme) => {
    used += widthOf(grapheme)
    return used > width
  })
  return end === -1 ? graphemes : graphemes.slice(0, end)
}
