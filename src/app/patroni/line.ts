import {bareHost} from '../../core/offers/bare-host.ts'
import {placeText} from '../../core/offers/server-name.ts'
import {dcsAgeSeconds} from '../../patroni/answer.ts'
import type {ClusterMember} from '../../patroni/data/cluster.ts'
import type {Status} from '../../patroni/data/status.ts'
import {PatroniError} from '../../patroni/error.ts'
import type {Asked, Overview} from './overview.ts'
import {hostOf, type SqlHost, type SqlView} from './sql-view.ts'

/** Bytes. `unknown`: the member does not stream on the leader's timeline, or the leader is not known. */
export type Lag = number | 'unknown' | null

/** One member, as `list` shows it. */
export type Line = Readonly<{
  member: string
  host: string
  /** Patroni's word: `leader`, `replica`, `sync_standby` … */
  role: string
  state: string
  timeline: number | null
  receiveLsn: string | null
  receiveLag: Lag
  replayLsn: string | null
  replayLag: Lag
  pendingRestart: boolean
  pendingRestartReason: string
  scheduledRestart: string
  tags: Readonly<Record<string, unknown>>
  /** The member answered just now; else the line is what the DCS keeps, of unknown age. */
  isOwnWord: boolean
  /** Why the member did not answer. */
  silence: string | null
  /** Seconds since the member has read the DCS. */
  dcsAge: number | null
  /** What the daemon sees by SQL; `null`: it does not watch this member, or is not asked. */
  sql: SqlHost | null
}>

/** Every member that is known, by name. */
export function linesOf({asked, dcs, tree, leader, sql}: Overview): readonly Line[] {
  const names = [
    ...asked.map(({name}) => name),
    ...(dcs?.members ?? []).map(({name}) => name),
    ...(tree?.members ?? []).map(({name}) => name),
  ]
  const head = leader.holder === null ? null : leader.holder.answer.data
  const isHolder = (one: Asked) => one.url === leader.holder?.member
  const known = [...new Set(names)].sort(byName).map((name) => {
    const one = asked.find((asked) => asked.name === name)
    const kept = dcs?.members.find((member) => member.name === name) ?? fromTree(tree?.members, name)
    return lineOf({name, one, kept, head, sql, isHolder: one !== undefined && isHolder(one)})
  })
  // Without a DCS, the leader still knows who streams from it.
  return dcs === null && tree === null ? [...known, ...streamingFrom(head, known)] : known
}

function streamingFrom(head: Status | null, known: readonly Line[]): readonly Line[] {
  const isNew = (name: string, host: string) => !known.some((line) => line.member === name || line.host === host)
  return (head?.replication ?? []).flatMap(({application_name: name, client_addr: host, state}): Line[] => {
    if (name === undefined || state !== 'streaming' || !isNew(name, host ?? '')) return []
    const heard = {receiveLsn: null, receiveLag: 'unknown', replayLsn: null, replayLag: 'unknown'} as const
    const nothing = {
      pendingRestart: false,
      pendingRestartReason: '',
      scheduledRestart: '',
      tags: {},
      dcsAge: null,
      sql: null,
    }
    const line = {member: name, host: host ?? '', role: 'replica', state, timeline: null, isOwnWord: false}
    return [{...line, ...heard, ...nothing, silence: 'told by the leader'}]
  })
}

const byName = (one: string, other: string) => one.localeCompare(other, 'en', {numeric: true})

type Known = Readonly<{
  name: string
  one: Asked | undefined
  kept: ClusterMember | undefined
  /** The status of the member that leads. */
  head: Status | null
  isHolder: boolean
  sql: SqlView | null
}>

function lineOf({name, one, kept, head, isHolder, sql}: Known): Line {
  const answer = one !== undefined && 'answer' in one.heard ? one.heard.answer : null
  const status = answer?.data ?? null
  const isStreaming = streams(name, status, kept, head)
  const timeline = status?.timeline ?? kept?.timeline ?? null
  // By its own word alone: the timeline in the DCS may be of an earlier one.
  const isComparable = isStreaming && head?.timeline != null && status?.timeline === head.timeline
  const {received_location: streamed, replayed_location: replayed} = status?.xlog ?? {}
  // Where streaming began anew, PostgreSQL counts what was received from the start of that segment.
  const received = streamed === undefined ? undefined : Math.max(streamed, replayed ?? 0)
  const lagOf = (at: number | undefined): Lag =>
    isHolder ? null : isComparable && at !== undefined ? Math.max(0, (head?.xlog?.location ?? at) - at) : 'unknown'
  return {
    member: name,
    host: shownHost(addressOf(kept, one)),
    role: roleOf(status, kept, isHolder),
    state:
      isStreaming && status?.state === 'running' && !isHolder
        ? 'streaming'
        : (status?.state ?? kept?.state ?? 'unknown'),
    timeline,
    receiveLsn: received === undefined ? (kept?.receive_lsn ?? null) : lsnOf(received),
    receiveLag: lagOf(received),
    replayLsn: replayed === undefined ? (kept?.replay_lsn ?? null) : lsnOf(replayed),
    replayLag: lagOf(replayed),
    pendingRestart: status?.pending_restart ?? kept?.pending_restart ?? false,
    pendingRestartReason: reasonOf(status?.pending_restart_reason ?? kept?.pending_restart_reason),
    scheduledRestart: String((status?.scheduled_restart ?? kept?.scheduled_restart)?.schedule ?? ''),
    tags: status?.tags ?? kept?.tags ?? {},
    isOwnWord: status !== null,
    silence: status === null && one !== undefined ? silenceOf(one) : null,
    dcsAge: answer === null ? null : dcsAgeSeconds(answer),
    sql: hostOf(sql, name, addressOf(kept, one)),
  }
}

/**
 * By the member's own word (3.0.4), or by the leader's list of who streams from it. Never by `lag`,
 * which is 0 for a standby that does not stream.
 */
function streams(name: string, status: Status | null, kept: ClusterMember | undefined, head: Status | null): boolean {
  if (status !== null && status.replication_state !== undefined) return status.replication_state === 'streaming'
  const listed = (head?.replication ?? []).some(
    ({application_name: known, state}) => known === name && state === 'streaming',
  )
  return listed || (status === null && kept?.state === 'streaming')
}

/** A member that holds the lock by the DCS and does not work is no leader here: `list` tells why below. */
function roleOf(status: Status | null, kept: ClusterMember | undefined, isHolder: boolean): string {
  if (isHolder) return status?.role === 'standby_leader' ? 'standby_leader' : 'leader'
  if (status === null) return kept?.role ?? 'unknown'
  if (status.sync_standby) return 'sync_standby'
  if (status.quorum_standby) return 'quorum_standby'
  return status.role
}

/** Of PostgreSQL: as the DCS knows it, or the machine of the REST API with the usual port. */
function addressOf(
  kept: ClusterMember | undefined,
  one: Asked | undefined,
): Readonly<{host: string; port: string}> | null {
  if (kept?.host !== undefined) return {host: kept.host, port: String(kept.port ?? 5432)}
  return one === undefined ? null : {host: bareHost(new URL(one.url)), port: '5432'}
}

const shownHost = (address: ReturnType<typeof addressOf>): string =>
  address === null ? '' : address.port === '5432' ? address.host : placeText(address.host, Number(address.port))

function silenceOf({heard}: Asked): string {
  if ('answer' in heard) return `answers ${heard.answer.status}`
  return heard.error instanceof PatroniError ? heard.error.reason : heard.error.message
}

const fromTree = (
  members: NonNullable<Overview['tree']>['members'] | undefined,
  name: string,
): ClusterMember | undefined => {
  const found = members?.find((member) => member.name === name)
  if (found === undefined) return undefined
  const {role = 'unknown', state = 'unknown', conn_url: url, timeline} = found
  const host = url !== undefined && URL.canParse(url) ? new URL(url) : null
  return {
    name,
    role,
    state,
    ...(host !== null && {host: bareHost(host), port: host.port || '5432'}),
    ...(typeof timeline === 'number' && {timeline}),
  }
}

/** PostgreSQL's way to write a position: two halves of 32 bits, in hexadecimal. */
export function lsnOf(bytes: number): string {
  const high = Math.floor(bytes / 2 ** 32)
  return `${high.toString(16).toUpperCase()}/${(bytes % 2 ** 32).toString(16).toUpperCase()}`
}

const reasonOf = (reason: Readonly<Record<string, unknown>> | undefined): string =>
  Object.entries(reason ?? {})
    .map(([name, change]) => {
      const {old_value: before, new_value: after} = Object(change) as {old_value?: unknown; new_value?: unknown}
      return `${name}: ${before ?? '?'}->${after ?? '?'}`
    })
    .join(', ')
