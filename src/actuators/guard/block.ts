import type {Gate, GateRules, Gates} from '../../core/node/guard-settings.ts'
import {withoutHarepdLines} from './harepd-lines.ts'

/**
 * The block of pg_hba.conf. Texts here are bytes as Latin-1, so that what the guard does not own
 * keeps its bytes, whatever their encoding is.
 */
const begin = '# pgroute66 guard: begin. The guard writes these lines anew; put your own below "end".'
const end = '# pgroute66 guard: end.'
/** Only the first words count: a later version may say more behind them. */
const isBegin = (line: string) => line.startsWith('# pgroute66 guard: begin')
const isEnd = (line: string) => line.startsWith('# pgroute66 guard: end')

/** What stands in the file now. `damaged`: the markers do not make one block, so it is not touched. */
export type Found =
  | Readonly<{kind: 'none'}>
  | Readonly<{kind: 'block'; start: number; text: string; lines: Readonly<{first: number; last: number}>}>
  | Readonly<{kind: 'damaged'; why: string}>

/**
 * The lines for these gates. Allow and deny have the same length, so that a gate can be shut in
 * place where a full disk has no room for another file.
 */
export function blockText(rules: GateRules, gates: Gates, eol = '\n'): string {
  const width = Math.max(rules.allow.length, rules.deny.length)
  const database = rules.databases.join(',')
  const linesFor = (users: readonly string[], gate: Gate) =>
    users.length === 0
      ? []
      : rules.addresses.map((address) => {
          const from = address === 'local' ? ['local', database, users.join(',')] : ['host', database, users.join(',')]
          return [...from, ...(address === 'local' ? [] : [address]), rules[gate].padEnd(width)].join('  ')
        })
  const lines = [...linesFor(rules.readWrite, gates.readWrite), ...linesFor(rules.readOnly, gates.readOnly)]
  return [begin, ...lines, end, ''].join(eol)
}

export function findBlock(text: string): Found {
  const lines = text.split(/(?<=\n)/)
  const at = (isMarker: (line: string) => boolean) => lines.flatMap((line, index) => (isMarker(line) ? [index] : []))
  const [begins, ends] = [at(isBegin), at(isEnd)]
  const [first, last] = [begins[0], ends[0]]
  if (first === undefined && last === undefined) return {kind: 'none'}
  if (begins.length !== 1 || ends.length !== 1 || first === undefined || last === undefined || last < first) {
    const where = [...begins, ...ends].map((index) => index + 1).sort((one, other) => one - other)
    const why = `${begins.length} lines begin the block and ${ends.length} end it (lines ${where.join(', ')})`
    return {kind: 'damaged', why}
  }
  return {
    kind: 'block',
    start: lines.slice(0, first).join('').length,
    text: lines.slice(first, last + 1).join(''),
    lines: {first: first + 1, last: last + 1},
  }
}

/** What is to be done with the file. `start`, `block`: where the new block may be written in place. */
export type FileChange =
  | Readonly<{kind: 'same'}>
  | Readonly<{kind: 'refused'; why: string}>
  | Readonly<{kind: 'write'; text: string; inPlace: Readonly<{start: number; block: string}> | null}>

/**
 * The file with this block on top, and everything else as it is. The first line that matches decides
 * in PostgreSQL, so no line may stand above the block.
 */
export function withBlock(text: string, rules: GateRules, gates: Gates): FileChange {
  const eol = /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
  const block = blockText(rules, gates, eol)
  const found = findBlock(text)
  if (found.kind === 'damaged') return {kind: 'refused', why: found.why}
  const rest = found.kind === 'none' ? text : text.slice(0, found.start) + text.slice(found.start + found.text.length)
  const kept = rules.replacesHarepd === true ? withoutHarepdLines(rest, rules).text : rest
  if (found.kind === 'none') return {kind: 'write', text: block + kept, inPlace: null}
  const isWhole = found.start === 0 && kept.length === rest.length
  if (isWhole && found.text === block) return {kind: 'same'}
  const isInPlace = isWhole && found.text.length === block.length
  return {kind: 'write', text: block + kept, inPlace: isInPlace ? {start: 0, block} : null}
}
