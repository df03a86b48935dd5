import {rejoinExits} from '../src/actuators/rejoin/problems.ts'
import {errorGuide} from '../src/core/error-codes.ts'
import {causeGuide} from '../src/core/facts/cause-guide.ts'
import {rules} from '../src/core/verdict/rules.ts'
import {situationGuide} from '../src/core/verdict/situation-guide.ts'
import {exitCodes} from '../src/protocol/exit-codes.ts'
import {configKeys} from './config-keys.ts'

type Rows = readonly (readonly string[])[]

const markdown = (head: readonly string[], rows: Rows): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
    .replace(/^\| ---.*$/m, (line) => line.replaceAll(' ', ''))

/** The tables of Markdown pages, by the name that their markers carry. */
const tables: Readonly<Record<string, string>> = {
  rules: markdown(
    ['rule', 'verdict', 'when', 'writes go to', 'what to do'],
    Object.entries(rules).map(([rule, text]) => [rule, `\`${text.verdict}\``, text.when, text.routedTo, text.next]),
  ),
  situations: markdown(
    ['situation', 'rule', 'means', 'do'],
    Object.entries(situationGuide).map(([situation, {rules: deciding, meaning, next}]) => [
      `[\`${situation}\`](#${anchorOf(situation)})`,
      deciding.join(', '),
      meaning,
      next,
    ]),
  ),
  causes: markdown(
    ['cause', 'means', 'do'],
    Object.entries(causeGuide).map(([cause, {meaning, next, section}]) => [
      `\`${cause}\``,
      meaning,
      section === undefined ? next : `${next} See [${section}](#${anchorOf(section)}).`,
    ]),
  ),
  'configuration keys': markdown(
    ['key', 'value', 'default', 'meaning'],
    configKeys().map(({path, value, byDefault, meaning}) => [`\`${path}\``, value, byDefault, meaning]),
  ),
  'rejoin exit codes': markdown(['exit', 'meaning'], Object.entries(rejoinExits)),
  'exit codes': markdown(['exit', 'meaning'], Object.entries(exitCodes)),
  'error codes': markdown(
    ['code', 'means', 'do'],
    Object.entries(errorGuide)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, {meaning, next}]) => [`\`${code}\``, meaning, next]),
  ),
}

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/**
 * A page with its tables written anew, each between `<!-- generated: NAME -->` and
 * `<!-- end of NAME -->`. Throws where a marker names no table or has no end: the page would keep
 * an old table for ever.
 */
export function withTables(page: string): string {
  return page.replaceAll(
    /(<!-- generated: (?<name>[^>]+) -->\n)(?:(?!<!-- generated: ).)*?(?<end><!-- end of \k<name> -->)|<!-- generated: [^\n]*/gs,
    (found: string, ...rest: unknown[]) => {
      const {name, end} = rest.at(-1) as Readonly<{name?: string; end?: string}>
      const table = name === undefined ? undefined : tables[name]
      if (table === undefined) throw new Error(`the marker ${found.split('\n', 1)[0]} names no table, or has no end`)
      return `<!-- generated: ${name} -->\n${table}${end}`
    },
  )
}
