import {dump} from 'js-yaml'
import stringWidth from 'string-width'
import type {Format} from './flags.ts'

export type Cell = string | number | boolean | null | Readonly<Record<string, unknown>>
export type Column<T> = Readonly<{
  head: string
  /** In documents. */
  key: string
  of(row: T): Cell
  /** As the table shows it, where that is not the value. */
  show?(row: T): string
  isRight?: boolean
}>

/** Control characters of a server's text must not reach the terminal. */
export const printable = (text: string) => text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ')
const textOf = (cell: Cell): string => (cell === null ? '' : typeof cell === 'object' ? tagsText(cell) : String(cell))
export const tagsText = (tags: Readonly<Record<string, unknown>>): string =>
  Object.entries(tags)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')

/** As patronictl draws it: `+---+`, the title within the first line. */
export function tableOf<T>(title: string, columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = rows.map((row) => columns.map(({of, show}) => printable(show ? show(row) : textOf(of(row)))))
  const widths = columns.map(({head}, index) =>
    Math.max(stringWidth(head), ...cells.map((line) => stringWidth(line[index] ?? ''))),
  )
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const label = ` ${printable(title)} `
  const top = title === '' ? rule : `+${label}${rule.slice(1 + stringWidth(label)) || '-+'}`
  const pad = (text: string, index: number) => {
    const space = ' '.repeat((widths[index] ?? 0) - stringWidth(text))
    return columns[index]?.isRight ? space + text : text + space
  }
  const line = (texts: readonly string[]) => `| ${texts.map(pad).join(' | ')} |`
  return [top, line(columns.map(({head}) => head)), rule, ...cells.map(line), rule].join('\n')
}

/** One row for a line: heads, then values; tabs and line ends within a value become spaces. */
export const tsvOf = <T>(columns: readonly Column<T>[], rows: readonly T[]): string =>
  [columns.map(({head}) => head), ...rows.map((row) => columns.map(({of}) => printable(textOf(of(row)))))]
    .map((cells) => cells.join('\t'))
    .join('\n')

export const documentOf = <T>(columns: readonly Column<T>[], rows: readonly T[]): readonly object[] =>
  rows.map((row) => Object.fromEntries(columns.map(({key, of}) => [key, of(row)])))

export const printedAs = (format: Exclude<Format, 'table' | 'tsv'>, document: object): string =>
  format === 'json' ? JSON.stringify(document) : dump(document).trimEnd()
