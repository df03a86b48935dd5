import type {GroupState, Snapshot} from '../core/snapshot.ts'
import {rulingText} from '../core/verdict/situation.ts'
import {isStarting, suspectOf} from '../core/verdict/verdict-kind.ts'
import {ageText} from '../core/words/age.ts'
import {bySeverity, isCalm} from '../core/words/verdict-words.ts'
import {clip, pad, printable, widthOf, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {cut, type Line, line, type Tone} from './text/line.ts'
import {verdictText} from './text/verdict-text.ts'

/**
 * `height`: lines that the banner may take, more only for the verdict itself. `group`: the group
 * that the reader has chosen.
 */
export type BannerLook = Readonly<{width: number; height: number; wall: number; glyphs: Glyphs; group: string | null}>

/**
 * The verdict and its reason. It wraps and is never cut to the width: a verdict that is not a calm
 * `primary` fills whole lines, with or without colour. Of several groups, those in trouble come
 * first, whichever one is chosen. Too many of them lose their reasons first; then the banner only
 * counts the last ones.
 */
export function banner(snapshot: Snapshot, look: BannerLook): readonly Line[] {
  const groups = Object.values(snapshot.groups)
  const [only] = groups
  if (only === undefined) return [line(pad(' no group is configured: there is no verdict', look.width), 'warnBar')]
  if (groups.length === 1) {
    const verdict = head(only, '', look)
    return [...verdict, ...reasons(only, look, look.height - verdict.length)]
  }

  const ordered = groups.toSorted((a, b) => bySeverity(a.verdict, b.verdict))
  const loud = ordered.filter(({verdict}) => !isCalm(verdict))
  const isChosen = ({name}: GroupState) => name === look.group
  const full = [
    ...loud.filter(isChosen),
    ...loud.filter((group) => !isChosen(group)),
    ...ordered.filter((group) => !loud.includes(group) && isChosen(group)),
  ]
  const rest = calmLines(
    ordered.filter((group) => !full.includes(group)),
    look,
  )
  const room = look.height - rest.length
  const heads = full.map((group) => head(group, `${group.name}: `, look))
  const all = full.flatMap((group, index) => [...(heads[index] ?? []), ...reasons(group, look)])
  if (all.length <= room) return [...all, ...rest]
  const brief = heads.flat()
  if (brief.length <= room) return [...brief, ...rest]
  const shown = heads.slice(0, Math.max(1, Math.floor((room - 1) / Math.max(...heads.map((lines) => lines.length)))))
  const left = loud.length - shown.length
  return [
    ...shown.flat(),
    ...(left > 0 ? [alarm(` ${look.glyphs.alarm.repeat(3)} and ${left} more groups without a primary`, look)] : []),
    ...rest,
  ]
}

const alarm = (text: string, {width}: BannerLook, tone: Tone = 'badBar'): Line => line(pad(text, width), tone)

function head({verdict}: GroupState, about: string, look: BannerLook): readonly Line[] {
  const {width, wall, glyphs} = look
  const tail = `${glyphs.dot} ${rulingText(verdict)} ${glyphs.dot} for ${ageText(wall - verdict.since)}`
  if (isCalm(verdict)) {
    const [first = '', ...more] = wrap(`${glyphs.roles.primary} ${about}${verdictText(verdict)}`, width)
    const fits = more.length === 0 && widthOf(first) + widthOf(tail) + 1 <= width
    return fits
      ? [[...line(first, 'good'), ...line(` ${tail}`, 'faint')]]
      : [first, ...more].map((part) => line(part, 'good'))
  }
  const sign = glyphs.alarm.repeat(3)
  const lines = wrap(`${sign} ${about}${verdictText(verdict)} ${sign} ${tail}`, Math.max(1, width - 2))
  return lines.map((text) => alarm(` ${text}`, look, isStarting(verdict) ? 'warnBar' : 'badBar'))
}

/**
 * With a hundred hosts the reason alone would fill the screen. It is cut here; the details of any
 * host of the group show all of it.
 */
function reasons({verdict}: GroupState, {width, glyphs}: BannerLook, room = Number.POSITIVE_INFINITY): readonly Line[] {
  const mark = isCalm(verdict) ? '  ' : `${glyphs.alarm} `
  const tone: Tone = isCalm(verdict) || isStarting(verdict) ? 'plain' : 'bad'
  const suspect = suspectOf(verdict)
  const more = [
    suspect === null ? '' : `Suspect: ${suspect}.`,
    // The reason of "no primary" names the blind hosts already.
    verdict.blind.length === 0 || verdict.kind === 'no-primary'
      ? ''
      : `Blind because of our own credentials, TLS or DNS: ${few(verdict.blind)}.`,
  ]
  const lines = (text: string) => wrap(text, Math.max(1, width - 2))
  const short = more.filter(Boolean).flatMap(lines)
  const why = lines(printable(verdict.why))
  const kept = Math.max(1, room - short.length)
  const last = why.length > kept ? [`${clip(why[kept - 1] ?? '', width - 4, '')} ${glyphs.more}`] : why.slice(kept - 1)
  const parts = [...why.slice(0, kept - 1), ...last, ...short]
  return parts.map((part) => line(mark + part, tone))
}

const few = (names: readonly string[]): string =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`

/** One line for each of up to four groups, else their number. */
function calmLines(groups: readonly GroupState[], {width, glyphs}: BannerLook): readonly Line[] {
  const {primary} = glyphs.roles
  if (groups.length > 4) return [line(`${primary} ${groups.length} other groups have their primary`, 'good')]
  return groups.map(({name, verdict}) => {
    const spans = [
      ...line(`${primary} ${name}: ${verdictText(verdict)}`, 'good'),
      ...line(`  ${printable(verdict.why)}`, 'faint'),
    ]
    return cut(spans, width, glyphs.more)
  })
}
