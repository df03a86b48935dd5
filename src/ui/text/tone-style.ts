import type {TextProps} from 'ink'
import type {Tone} from './line.ts'

type Style = Pick<TextProps, 'color' | 'backgroundColor' | 'bold' | 'dimColor' | 'inverse'>

const coloured: Readonly<Record<Tone, Style>> = {
  plain: {},
  faint: {dimColor: true},
  strong: {bold: true},
  good: {color: 'green', bold: true},
  warn: {color: 'yellow'},
  bad: {color: 'red', bold: true},
  goodBar: {color: 'black', backgroundColor: 'green', bold: true},
  warnBar: {color: 'black', backgroundColor: 'yellow', bold: true},
  badBar: {color: 'white', backgroundColor: 'red', bold: true},
}

const colourless: Readonly<Record<Tone, Style>> = {
  plain: {},
  faint: {},
  strong: {bold: true},
  good: {bold: true},
  warn: {},
  bad: {bold: true},
  goodBar: {inverse: true, bold: true},
  warnBar: {inverse: true, bold: true},
  badBar: {inverse: true, bold: true},
}

/**
 * The look of a tone. NO_COLOR (no-color.org) removes colour only: bold and inverse remain. Ink does
 * not read NO_COLOR itself.
 */
export const styleOf = (tone: Tone, hasColour: boolean): Style => (hasColour ? coloured : colourless)[tone]
