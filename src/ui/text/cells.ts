const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'})
const ascii = /^[\x20-\x7e]*$/

/**
 * Two cells in every terminal (Unicode Standard Annex 11: W and F, and emoji). "Ambiguous" ones are
 * one cell outside of CJK locales.
 */
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6])/u
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

const cellsOf = (grapheme: string): number => (invisible.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1)

/**
 * A server's message may hold line breaks, terminal sequences, or marks that turn the reading order
 * round: none of them reaches the screen.
 */
export const printable = (text: string): string => text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ')

/** How many terminal cells `text` takes. */
export function widthOf(text: string): number {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const {segment} of graphemes.segment(text)) width += cellsOf(segment)
  return width
}

/** At most `width` cells of `text`; what is cut off is marked by `mark`. */
export function clip(text: string, width: number, mark = '…'): string {
  if (widthOf(text) <= width) return text
  if (width <= mark.length) return width > 0 ? mark.slice(0, width) : ''
  const [head] = split(text, width - mark.length)
  return head + mark
}

/**
 * As `clip`, but cut in the middle: names that share a long beginning (`orders-eu-west-1`, `-2`)
 * are told apart by their end.
 */
export function clipMiddle(text: string, width: number, mark = '…'): string {
  const characters = [...text]
  if (widthOf(text) <= width || characters.length !== widthOf(text) || width < 3) return clip(text, width, mark)
  const tail = Math.floor((width - 1) / 2)
  return characters.slice(0, width - 1 - tail).join('') + mark + characters.slice(-tail).join('')
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
    let [head, rest] = split(word, width)
    while (rest !== '') {
      lines.push(head)
      ;[head, rest] = split(rest, width)
    }
    line = head
  }
  return [...lines, line]
}

/**
 * The longest beginning that fits - at least one grapheme, so that a loop over the rest ends - and
 * the rest.
 */
function split(text: string, width: number): [string, string] {
  let used = 0
  for (const {segment, index} of graphemes.segment(text)) {
    used += cellsOf(segment)
    if (used > width && index > 0) return [text.slice(0, index), text.slice(index)]
  }
  return [text, '']
}
