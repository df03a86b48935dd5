import {type Line, linesOf} from './line.ts'
import type {Overview} from './overview.ts'

/** Exit codes of `patroni list`. */
export const listExits = {leads: 0, silent: 3, contradiction: 4, leaderless: 5} as const
export type ListExit = (typeof listExits)[keyof typeof listExits]

/** What the members and the DCS say about the leader, where it is more than one sentence. */
export type Findings = Readonly<{
  exit: ListExit
  /** Name of the only member that claims to lead. */
  leader: string | null
  /** What contradicts, in words. */
  contradictions: readonly string[]
  /** What the reader must know to read the lines. */
  notes: readonly string[]
}>

/** `lines`: of the same overview. */
export function findingsOf(overview: Overview, lines: readonly Line[] = linesOf(overview)): Findings {
  const {leader, asked, dcs, dcsSeen} = overview
  const nameAt = (url: string) => asked.find((one) => one.url === url)?.name ?? url
  const holder = leader.holder === null ? null : nameAt(leader.holder.member)
  const contradictions = [...contradictionsIn(overview, nameAt), ...againstSql(lines, holder)]
  const notes = [
    ...leader.hollow.map(
      (one) => `${nameAt(one.member)} holds the lock, but does not lead: ${hollowWords[one.reason]}`,
    ),
    ...(dcs === null && asked.some(({heard}) => 'answer' in heard) ? [awayNote(dcsSeen)] : []),
    ...(leader.holder?.byFailsafe ? [`${nameAt(leader.holder.member)} leads by failsafe mode, without a lock`] : []),
    ...(overview.treeSilence === null ? [] : [`Leader key not read: ${overview.treeSilence}`]),
    ...(overview.sql !== null && 'why' in overview.sql ? [`No column SQL: ${overview.sql.why}`] : []),
  ]
  const isSilent = !asked.some(({heard}) => 'answer' in heard && heard.answer.data !== null)
  const exit = isSilent
    ? listExits.silent
    : contradictions.length > 0
      ? listExits.contradiction
      : leader.holder === null
        ? listExits.leaderless
        : listExits.leads
  return {exit, leader: holder, contradictions, notes}
}

const hollowWords = {
  role: 'it is no primary',
  state: 'PostgreSQL does not run there',
  unlocked: 'it knows of no leader lock, and failsafe mode does not keep it',
  'paused-and-unlocked': 'the cluster is paused and its DCS is away, so Patroni goes by the role alone',
  'dcs-age': 'it has not read the DCS for longer than the ttl',
  'no-status': 'the answer is not Patroni’s',
} as const

const awayNote = (seen: Overview['dcsSeen']): string =>
  seen === null ? 'DCS unreachable' : `DCS unreachable, seen ${Math.round(seen.seconds)} s ago by ${seen.member}`

function contradictionsIn({leader, asked, dcs, tree}: Overview, nameAt: (url: string) => string): readonly string[] {
  const claims = leader.claims.map(({member}) => nameAt(member))
  const holder = leader.holder === null ? null : nameAt(leader.holder.member)
  const keys = [
    ...(tree === null ? [] : [{from: 'the leader key', name: tree.leader}]),
    ...(dcs === null ? [] : [{from: 'the DCS', name: dcs.members.find(isLeading)?.name ?? null}]),
  ]
  const seconds = asked.flatMap(({name, heard}) => {
    const status = 'answer' in heard ? heard.answer.data : null
    const isPrimary = status?.role === 'primary' && status.state === 'running'
    return isPrimary && !claims.includes(name) && !leader.hollow.some((one) => nameAt(one.member) === name)
      ? [name]
      : []
  })
  return [
    ...(claims.length > 1 ? [`${claims.join(' and ')} both claim to lead`] : []),
    ...keys.flatMap(({from, name}) =>
      name !== null && holder !== null && name !== holder
        ? [`${from} names ${name}, but ${holder} claims to lead`]
        : [],
    ),
    ...seconds.map((name) => `${name} runs as a primary without the lock`),
  ]
}

/** What the daemon sees by SQL, beside what Patroni says. A promotion shows this for a moment. */
function againstSql(lines: readonly Line[], holder: string | null): readonly string[] {
  return lines.flatMap(({member, sql, timeline, role}) => {
    if (sql === null || sql.role === 'unavailable') return []
    if (member !== holder)
      return sql.role === 'primary' ? [`SQL shows ${member} as a primary, and Patroni does not`] : []
    if (role === 'standby_leader') return []
    if (sql.role === 'standby') return [`${member} leads by Patroni, and SQL shows a standby`]
    const isOther = timeline !== null && sql.timeline !== null && timeline !== sql.timeline
    return isOther ? [`${member} leads on timeline ${timeline} by Patroni, and on ${sql.timeline} by SQL`] : []
  })
}

const isLeading = ({role}: Readonly<{role: string}>) => role === 'leader' || role === 'standby_leader'
