import type {Role} from '../../core/vocabulary.ts'

/**
 * The characters that the screen is drawn with. Each is one cell wide, and a word beside it always
 * says the same.
 */
export type Glyphs = Readonly<{
  roles: Readonly<Record<Role, string>>
  alarm: string
  pointer: string
  arrow: string
  rule: string
  dot: string
  more: string
  /** Low to high. */
  bars: readonly string[]
}>

const drawn: Glyphs = {
  roles: {primary: '●', standby: '○', unavailable: '✗'},
  alarm: '▲',
  pointer: '▸',
  arrow: '→',
  rule: '─',
  dot: '·',
  more: '…',
  bars: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
}

const typed: Glyphs = {
  roles: {primary: '*', standby: 'o', unavailable: 'x'},
  alarm: '!',
  pointer: '>',
  arrow: '>',
  rule: '-',
  dot: '-',
  more: '~',
  bars: ['.', ':', '-', '=', '+', '*', '%', '#'],
}

/**
 * ASCII glyphs where the locale (POSIX: LC_ALL, then LC_CTYPE, then LANG) is not UTF-8 or the
 * terminal lacks the others.
 */
export function glyphsFor(env: NodeJS.ProcessEnv): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  const isPlain = env.TERM === 'linux' || env.TERM === 'dumb' || !/utf-?8/i.test(locale)
  return isPlain ? typed : drawn
}
