import type {PastChange} from '../changes.ts'
import type {Role} from '../vocabulary.ts'

/** What happened to one group, by the log of changes. All times are milliseconds. */
export type Report = Readonly<{
  /** Wall clock: since when the log tells; later than what was asked where the log begins later. */
  from: number
  to: number
  /** The group had a host that may be written to. */
  writableMs: number
  /** Of the whole time; `null`: the log tells of no time. */
  availability: number | null
  /** Another host became the one to write to. */
  switches: readonly Readonly<{at: number; from: string; to: string}>[]
  /** Situation → how long it lasted. */
  phases: Readonly<Record<string, number>>
  withoutStandbyMs: number
  /** The daemon was started again: what happened meanwhile is not in the log. */
  restarts: number
}>

export type ReportQuestion = Readonly<{
  group: string
  /** The hosts of the group, with their roles now: a host without a change has had this role. */
  roles: Readonly<Record<string, Role>>
  /** Oldest first. */
  changes: readonly PastChange[]
  from: number
  to: number
}>

type Ruled = Readonly<{at: number; situation: string; writer: string | null}>

export function reportOf({group, roles, changes, from, to}: ReportQuestion): Report {
  const ruled = changes.flatMap(ruledBy(group))
  const known = ruled.findLast(({at}) => at <= from) ?? ruled[0]
  const begin = Math.min(to, Math.max(from, known?.at ?? to))
  const within = ruled.filter(({at}) => at > begin && at <= to)
  const all = known === undefined ? [] : [{...known, at: begin}, ...within]
  const phases: Record<string, number> = {}
  let writableMs = 0
  for (const [index, {at, situation, writer}] of all.entries()) {
    const ms = (all[index + 1]?.at ?? to) - at
    phases[situation] = (phases[situation] ?? 0) + ms
    if (writer !== null) writableMs += ms
  }
  const epochs = new Set(changes.filter(({at}) => at >= begin && at <= to).map(({epoch}) => epoch))
  return {
    from: begin,
    to,
    writableMs,
    availability: to > begin ? writableMs / (to - begin) : null,
    switches: switchesIn(all),
    phases,
    withoutStandbyMs: withoutStandby({roles, changes, from: begin, to}),
    restarts: Math.max(0, epochs.size - 1),
  }
}

/** A drained primary is a verdict `primary` that routes to no host. */
const ruledBy =
  (group: string) =>
  ({at, change}: PastChange): readonly Ruled[] => {
    if (change.kind !== 'verdict' || change.group !== group) return []
    const situation = change.situation ?? change.to ?? 'unknown'
    const isWritable = change.to === 'primary' && situation !== 'primary-drained'
    return [{at, situation, writer: isWritable ? change.host : null}]
  }

function switchesIn(all: readonly Ruled[]): Report['switches'] {
  const writers = all.flatMap(({at, writer}) => (writer === null ? [] : [{at, writer}]))
  return writers.flatMap(({at, writer}, index) => {
    const before = writers[index - 1]?.writer
    return before === undefined || before === writer ? [] : [{at, from: before, to: writer}]
  })
}

function withoutStandby({roles, changes, from, to}: Omit<ReportQuestion, 'group'>): number {
  const moves = changes.flatMap(({at, change: {kind, host, from: was, to: is}}) =>
    kind === 'role' && host !== null && Object.hasOwn(roles, host) && at <= to ? [{at, host, was, is}] : [],
  )
  const now = new Map<string, string | null>(
    Object.entries(roles).map(([host, role]) => {
      const before = moves.findLast((move) => move.host === host && move.at <= from)
      return [host, before?.is ?? moves.find((move) => move.host === host)?.was ?? role]
    }),
  )
  let [totalMs, since] = [0, from]
  for (const {at, host, is} of [...moves.filter((move) => move.at > from), {at: to, host: '', is: null}]) {
    if (![...now.values()].includes('standby')) totalMs += at - since
    since = at
    if (host !== '') now.set(host, is)
  }
  return totalMs
}
