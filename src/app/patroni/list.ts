import {type Findings, findingsOf} from './findings.ts'
import type {Format} from './flags.ts'
import {type Lag, type Line, linesOf} from './line.ts'
import type {Overview} from './overview.ts'
import {sqlText} from './sql-view.ts'
import {type Column, documentOf, printable, printedAs, tableOf, tagsText, tsvOf} from './table.ts'

export type Listing = Readonly<{text: string; exit: Findings['exit']}>
type ListOptions = Readonly<{format: Format; isExtended: boolean; isTree?: boolean}>

const columns: readonly Column<Line>[] = [
  {head: 'Member', key: 'member', of: ({member}) => member},
  {head: 'Host', key: 'host', of: ({host}) => host},
  {head: 'Role', key: 'role', of: ({role}) => role, show: ({role}) => titled(role)},
  {head: 'State', key: 'state', of: ({state}) => state},
  {head: 'TL', key: 'timeline', of: ({timeline}) => timeline, isRight: true},
  {head: 'Receive LSN', key: 'receiveLsn', of: ({receiveLsn}) => receiveLsn, isRight: true},
  {
    head: 'Receive lag',
    key: 'receiveLagBytes',
    of: ({receiveLag}) => receiveLag,
    show: ({receiveLag}) => lagText(receiveLag),
    isRight: true,
  },
  {head: 'Replay LSN', key: 'replayLsn', of: ({replayLsn}) => replayLsn, isRight: true},
  {
    head: 'Replay lag',
    key: 'replayLagBytes',
    of: ({replayLag}) => replayLag,
    show: ({replayLag}) => lagText(replayLag),
    isRight: true,
  },
  {
    head: 'Pending restart',
    key: 'pendingRestart',
    of: ({pendingRestart}) => pendingRestart,
    show: (line) => star(line),
  },
  {head: 'Pending restart reason', key: 'pendingRestartReason', of: ({pendingRestartReason}) => pendingRestartReason},
  {head: 'Scheduled restart', key: 'scheduledRestart', of: ({scheduledRestart}) => scheduledRestart},
  {head: 'Tags', key: 'tags', of: ({tags}) => tags, show: ({tags}) => tagsText(tags)},
  {head: 'SQL', key: 'sql', of: ({sql}) => sql && sqlText(sql), show: ({sql}) => (sql === null ? '?' : sqlText(sql))},
  {head: 'Age', key: 'ageSeconds', of: ({isOwnWord}) => (isOwnWord ? 0 : null), show: (line) => ageText(line)},
  {head: 'DCS age', key: 'dcsAgeSeconds', of: ({dcsAge}) => dcsAge, show: ({dcsAge}) => seconds(dcsAge), isRight: true},
]
/** Left out where no member has one, unless the table is extended. */
const optional = new Set(['pendingRestart', 'pendingRestartReason', 'scheduledRestart', 'tags'])
const isEmpty = (cell: unknown) =>
  cell === '' || cell === false || (typeof cell === 'object' && !Object.keys(cell ?? {})[0])

const star = ({pendingRestart}: Line) => (pendingRestart ? '*' : '')
/** As patronictl: `Sync Standby`. */
const titled = (role: string) =>
  role
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
const seconds = (age: number | null) => (age === null ? '?' : `${Math.round(age)} s`)
const ageText = ({isOwnWord, silence}: Line) => (isOwnWord ? '0 s' : silence === null ? '?' : `? (${silence})`)

/** In the unit that shows it best: 1024 bytes are 1kB, as PostgreSQL counts. */
export function lagText(lag: Lag): string {
  if (lag === null) return ''
  if (lag === 'unknown') return '?'
  const step = lag < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(lag) / 10))
  return `${Number((lag / 1024 ** step).toFixed(1))}${['B', 'kB', 'MB', 'GB'][step]}`
}

export function listing(overview: Overview, {format, isExtended, isTree = false}: ListOptions): Listing {
  const plain = linesOf(overview)
  const found = findingsOf(overview, plain)
  const lines = isTree ? asTree(plain, found.leader) : plain
  // Without a daemon, the column would hold question marks alone.
  const hasSql = overview.sql !== null && 'hosts' in overview.sql
  const isFull = (column: Column<Line>) => lines.some((line) => !isEmpty(column.of(line)))
  const shown = columns.filter(
    (column) => (column.key !== 'sql' || hasSql) && (isExtended || !optional.has(column.key) || isFull(column)),
  )
  if (format === 'tsv') return {text: tsvOf(columns, lines), exit: found.exit}
  if (format !== 'table') return {text: printedAs(format, documentFor(overview, found, lines)), exit: found.exit}
  return {text: [tableOf(titleOf(overview), shown, lines), ...footer(overview, found)].join('\n'), exit: found.exit}
}

const scopeOf = ({asked, dcs}: Overview): string =>
  dcs?.scope ??
  asked.flatMap(({heard}) => ('answer' in heard ? (heard.answer.data?.patroni?.scope ?? []) : []))[0] ??
  '?'
const identifierOf = ({asked, tree}: Overview): string | null =>
  asked.flatMap(({heard}) => ('answer' in heard ? (heard.answer.data?.database_system_identifier ?? []) : []))[0] ??
  tree?.initialize ??
  null
const isPaused = ({asked, dcs, tree}: Overview): boolean =>
  dcs?.pause === true ||
  tree?.config.pause === true ||
  asked.some(({heard}) => 'answer' in heard && heard.answer.data?.pause === true)

const titleOf = (overview: Overview) => `Cluster: ${scopeOf(overview)} (${identifierOf(overview) ?? 'uninitialized'})`

function switchoverOf({dcs, tree}: Overview): Readonly<{at: string; from: string | null; to: string | null}> | null {
  const {at, from, to} = dcs?.scheduled_switchover ?? {}
  if (at !== undefined) return {at, from: from ?? null, to: to ?? null}
  const {scheduled_at: time, leader, member} = tree?.failover ?? {}
  return typeof time === 'string'
    ? {at: time, from: String(leader ?? ''), to: member == null ? null : String(member)}
    : null
}

function footer(overview: Overview, {contradictions, notes}: Findings): readonly string[] {
  const planned = switchoverOf(overview)
  const way =
    planned && [planned.from && ` from ${planned.from}`, planned.to && ` to ${planned.to}`].filter(Boolean).join('')
  return [
    ...(isPaused(overview) ? ['Maintenance mode: on'] : []),
    ...(planned ? [`Switchover scheduled at: ${planned.at}${way}`] : []),
    ...contradictions.map((text) => `CONTRADICTION: ${text}`),
    ...notes,
  ].map((line) => ` ${printable(line)}`)
}

const documentFor = (overview: Overview, {exit, leader, contradictions, notes}: Findings, lines: readonly Line[]) => ({
  exit,
  scope: scopeOf(overview),
  systemIdentifier: identifierOf(overview),
  leader,
  isPaused: isPaused(overview),
  scheduledSwitchover: switchoverOf(overview),
  dcs: {isReachable: overview.dcs !== null || overview.tree !== null, seen: overview.dcsSeen},
  contradictions,
  notes,
  members: documentOf(columns, lines),
})

/** The leader first; below it who follows, by the tag `replicatefrom`. */
function asTree(lines: readonly Line[], leader: string | null): readonly Line[] {
  const parentOf = ({member, tags}: Line): string | null => {
    if (member === leader) return null
    const from = typeof tags.replicatefrom === 'string' ? tags.replicatefrom : leader
    return lines.some((line) => line.member === from) && from !== member ? from : null
  }
  const placed = new Set<string>()
  const below = (parent: string | null, depth: number): readonly Line[] =>
    lines
      .filter((line) => parentOf(line) === parent && !placed.has(line.member))
      .flatMap((line) => {
        placed.add(line.member)
        const member = depth === 0 ? line.member : `${'  '.repeat(depth - 1)}+ ${line.member}`
        return [{...line, member}, ...below(line.member, depth + 1)]
      })
  const tree = below(null, 0)
  // A circle of tags has no beginning.
  return [...tree, ...lines.filter(({member}) => !placed.has(member))]
}
