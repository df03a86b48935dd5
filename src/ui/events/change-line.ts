import {agrees, contradicts} from '../../core/evidence/contradiction.ts'
import type {Change} from '../../core/snapshot.ts'
import {subjectWords, transitionWords} from '../../core/words/change-words.ts'
import type {Received} from '../frame.ts'
import {timeText} from '../text/age.ts'
import {printable, widthOf, wrap} from '../text/cells.ts'
import type {Glyphs} from '../text/glyphs.ts'
import {cut, type Line, line, type Span, type Tone, textOf} from '../text/line.ts'

/** The subject of a change: a host, the verdict of a group, or a source of evidence. */
export const subjectOf = (change: Change): string => printable(subjectWords(change))

/** `primary → split-brain (V1 two-primaries)`. A verdict that stays within one kind shows its new host. */
export const transitionText = (change: Change, arrow: string): string => printable(transitionWords(change, arrow))

const calm: readonly string[] = ['standby', 'in rotation', 'confirms', 'applied', 'in-sync', 'active', agrees]
const loud: readonly string[] = ['unavailable', 'denies', 'out-of-sync', 'late', contradicts]

function toneOf({kind, to}: Change): Tone {
  if (to === 'primary') return 'good'
  if (kind === 'verdict') return to === 'starting' ? 'warn' : 'bad'
  if (to === null || calm.includes(to)) return 'plain'
  return loud.includes(to) ? 'bad' : 'warn'
}

/** As wide as a time and a space. */
const indent = '         '

/** `wall`: the time of the drawing. */
export type ChangeLook = Readonly<{width: number; wall: number; glyphs: Glyphs}>

/** One line, cut at the right edge. */
export const changeLine = (received: Received, look: ChangeLook): Line =>
  cut(spansOf(received, look), look.width, look.glyphs.more)

/** The whole change, on as many lines as needed. */
export function changeLines(received: Received, look: ChangeLook): readonly Line[] {
  const {width, glyphs} = look
  const [time, subject, transition] = spansOf(received, look)
  const first = cut(
    [time, subject, transition].filter((span) => span !== undefined),
    width,
    glyphs.more,
  )
  return [
    first,
    ...wrap(printable(received.change.why), Math.max(1, width - indent.length)).map((text) =>
      line(indent + text, 'faint'),
    ),
  ]
}

/** The line of `changeLine`, broken at spaces where it is longer than the screen. */
export function wholeChange(received: Received, look: ChangeLook): readonly Line[] {
  const spans = spansOf(received, look)
  const text = textOf(spans)
  if (widthOf(text) <= look.width) return [spans]
  const [time = {text: '', tone: 'plain' as const}, subject, transition] = spans
  const head = [time, subject, transition].filter((span) => span !== undefined)
  const room = look.width - widthOf(textOf(head)) - 2
  const why = printable(received.change.why)
  if (room < 20) return changeLines(received, look)
  const [first = '', ...rest] = wrap(why, room)
  const others = rest.length === 0 ? [] : wrap(rest.join(' '), Math.max(1, look.width - indent.length))
  return [[...head, ...line(`  ${first}`)], ...others.map((part) => line(indent + part))]
}

function spansOf({at, change}: Received, {wall, glyphs: {arrow}}: ChangeLook): readonly Span[] {
  return [
    {text: `${timeText(at, wall)} `, tone: 'faint'},
    {text: `${subjectOf(change)} `, tone: 'strong'},
    {text: transitionText(change, arrow), tone: toneOf(change)},
    {text: `  ${printable(change.why)}`, tone: 'plain'},
  ]
}

/** True where a change concerns the group `of` or one of `hosts`. `of` null: always true. */
export const concerns = ({group, host}: Change, of: string | null, hosts: readonly string[]): boolean =>
  of === null || group === of || (group === null && (host === null || hosts.includes(host)))
