import type {ReadFallback} from '../settings.ts'
import type {HostState, Snapshot} from '../snapshot.ts'
import {isStarting} from '../verdict/verdict-kind.ts'
import {eligibilityOf, isHeldBack, type Limits, noLimits} from './eligibility.ts'

/** What a router's pool of servers is for. */
export type PoolRole = 'primary' | 'replica' | 'read-only'

/**
 * Which hosts pools may send to, as a text. Two snapshots with the same text route alike, so a
 * consumer needs to look only when the text changes.
 */
export const poolsOf = (snapshot: Snapshot): string =>
  Object.values(snapshot.hosts)
    .map(
      (host) =>
        Number(eligibilityOf('primary', snapshot, host, noLimits).ok) +
        2 * Number(eligibilityOf('replica', snapshot, host, noLimits).ok),
    )
    .join('') +
  Object.values(snapshot.groups)
    .map(({verdict}) => verdict.rule)
    .join('')

export type Pool = Readonly<{
  role: PoolRole
  /** The hosts that the router's pool lists. */
  hosts: readonly string[]
  snapshot: Snapshot
  /** By group: which hosts serve readers when no standby may. */
  fallback: (group: string) => ReadFallback
  /** What a standby has to keep to. When none does, readers fall back. */
  limits?: Limits
}>

/**
 * The hosts of a pool that may get connections (DESIGN 4.4). The rivals of a split brain never
 * serve readers as a fallback: `primary` is the routed one.
 */
export function eligibleHosts({role, hosts, snapshot, fallback, limits = noLimits}: Pool): readonly string[] {
  const eligible = (predicate: PoolRole | 'health') =>
    hosts.filter((name) => {
      const host = snapshot.hosts[name]
      return host !== undefined && eligibilityOf(predicate, snapshot, host, limits).ok
    })
  const first = eligible(role)
  if (role === 'primary' || first.length > 0) return first
  const fallbacks = new Set(hosts.flatMap((name) => snapshot.hosts[name]?.groups ?? []).map(fallback))
  if (fallbacks.has('none')) return []
  const primary = eligible('primary')
  if (primary.length > 0 || !fallbacks.has('any')) return primary
  return eligible('health').filter((name) => {
    const host = snapshot.hosts[name]
    return host?.role === 'standby' && host.drained === null && !isHeldBack(host)
  })
}

/**
 * A group of this host has no verdict yet (V0): nothing is known, and routers stay as they are.
 */
export const isUnasked = ({groups}: HostState, snapshot: Snapshot): boolean =>
  groups.some((name) => {
    const group = snapshot.groups[name]
    return group !== undefined && isStarting(group.verdict)
  })
