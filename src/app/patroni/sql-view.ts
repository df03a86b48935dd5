import type {Config} from '../../config/config.ts'
import type {GroupSettings, PatroniSettings} from '../../core/settings.ts'
import type {WireHost} from '../../protocol/snapshot-json.ts'
import {getUnix} from '../../sources/daemon/get-unix.ts'

/** A host, as the running daemon sees it by SQL. */
export type SqlHost = Readonly<{
  host: string
  address: string
  port: number
  role: 'primary' | 'standby' | 'unavailable'
  cause: string | null
  timeline: number | null
  ageSeconds: number | null
  /** Its name in Patroni, where the configuration says so. */
  member: string | null
}>

export type SqlView = Readonly<{hosts: readonly SqlHost[]} | {why: string}>

const limitMs = 900

/** The hosts of the group, by the daemon of this configuration on its unix socket; or why there is none. */
export async function sqlView(
  {socket}: Pick<Config, 'socket'>,
  {hosts}: Pick<GroupSettings, 'hosts'>,
  {members}: Pick<PatroniSettings, 'members'>,
): Promise<SqlView> {
  if (socket === null) return {why: 'the configuration has no socket'}
  const reply = await getUnix(socket, '/v1/snapshot', limitMs)
  if (typeof reply === 'string') return {why: `the daemon at ${socket} is ${reply}`}
  const found = hostsIn(reply.body)
  if (reply.status !== 200 || found === null) return {why: `${socket} answers ${reply.status}`}
  return {
    hosts: hosts.flatMap((host): SqlHost[] => {
      const wire = found[host]
      if (wire === undefined) return []
      const {address, port, role, cause, timeline, age_ms: age} = wire
      const member = members[host] ?? null
      return [{host, address, port, role, cause, timeline, member, ageSeconds: age === null ? null : age / 1_000}]
    }),
  }
}

function hostsIn(body: string): Readonly<Record<string, WireHost>> | null {
  try {
    const {hosts} = Object(JSON.parse(body)) as {hosts?: unknown}
    return typeof hosts === 'object' && hosts !== null ? (hosts as Record<string, WireHost>) : null
  } catch {
    return null
  }
}

/** The host that a member is: as the configuration says, or by the address of its PostgreSQL. */
export function hostOf(
  view: SqlView | null,
  member: string,
  at: Readonly<{host: string; port: string}> | null,
): SqlHost | null {
  if (view === null || 'why' in view) return null
  const told = view.hosts.find((one) => one.member === member)
  if (told !== undefined) return told
  const there = view.hosts.filter(
    (one) => one.member === null && one.address === at?.host && String(one.port) === at.port,
  )
  return there.length === 1 ? (there[0] ?? null) : null
}

/** `primary TL 7`, `unavailable (refused)`. */
export const sqlText = ({role, cause, timeline}: SqlHost): string =>
  role === 'unavailable' ? `unavailable (${cause ?? '?'})` : `${role}${timeline === null ? '' : ` TL ${timeline}`}`
