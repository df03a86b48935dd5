import {clip, widthOf} from './cells.ts'

/** The meaning of a piece of text; `styleOf` gives its look. A `Bar` is a filled line. */
export type Tone = 'plain' | 'faint' | 'strong' | 'good' | 'warn' | 'bad' | 'goodBar' | 'warnBar' | 'badBar'
export type Span = Readonly<{text: string; tone: Tone}>
/** One line of the screen. */
export type Line = readonly Span[]

export const blank: Line = []
export const line = (text: string, tone: Tone = 'plain'): Line => [{text, tone}]
export const textOf = (spans: Line): string => spans.map(({text}) => text).join('')

/** At most `width` cells: a longer line would wrap and push the last lines off the screen. */
export function cut(spans: Line, width: number, mark: string): Line {
  let room = width
  const kept: Span[] = []
  for (const span of spans) {
    if (room <= 0) break
    const text = clip(span.text, room, mark)
    kept.push({...span, text})
    room -= widthOf(text)
    if (text !== span.text) break
  }
  return kept
}
