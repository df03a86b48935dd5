import type {ReadFallback} from '../settings.ts'
import type {HostState, Snapshot} from '../snapshot.ts'
import {isStarting} from '../verdict/verdict-kind.ts'
import {eligibilityOf, type Limits, noLimits} from './eligibility.ts'

/** What a router's pool of servers is for. */
export type PoolRole = 'primary' | 'replica' | 'read-only'

/**
 * Whom pools may send to, as a text: the same text, the same routing. For those who look only when
 * it changed.
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

/**
 * The hosts that a pool may send to, of the hosts it has (DESIGN 4.4). `fallback`: who serves
 * readers when no standby may. The rivals of a split brain never do: "primary" is the routed one.
 * `limits`: what a standby has to keep to; when none does, readers fall back.
 */
export function eligibleHosts(
  role: PoolRole,
  hosts: readonly string[],
  snapshot: Snapshot,
  fallback: (group: string) => ReadFallback,
  limits: Limits = noLimits,
): readonly string[] {
  const holding = (predicate: PoolRole | 'health') =>
    hosts.filter((name) => {
      const host = snapshot.hosts[name]
      return host !== undefined && eligibilityOf(predicate, snapshot, host, limits).ok
    })
  const first = holding(role)
  if (role === 'primary' || first.length > 0) return first
  const wishes = new Set(hosts.flatMap((name) => snapshot.hosts[name]?.groups ?? []).map(fallback))
  if (wishes.has('none')) return []
  const primary = holding('primary')
  if (primary.length > 0 || !wishes.has('any')) return primary
  return holding('health').filter(
    (name) => snapshot.hosts[name]?.role === 'standby' && snapshot.hosts[name]?.drained === null,
  )
}

/**
 * A group of this host is being asked for the first time: nothing is known, and routers stay as
 * they are.
 */
export const isUnasked = ({groups}: HostState, snapshot: Snapshot): boolean =>
  groups.some((name) => {
    const group = snapshot.groups[name]
    return group !== undefined && isStarting(group.verdict)
  })
