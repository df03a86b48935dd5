import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'
import {eligibleHosts, isUnasked} from '../../core/offers/pools.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {isStarting} from '../../core/verdict/verdict-kind.ts'
import {nowhere, type Pointer} from './include.ts'

/**
 * Where one database shall lead. `nowhere`: no host may serve it. `keep`: the snapshot says nothing
 * for or against the present host, as in a group that is starting.
 */
export type Destination =
  | Readonly<{kind: 'at'; pointer: Pointer; hosts: readonly string[]}>
  | Readonly<{kind: 'nowhere'; pointer: Pointer; why: string}>
  | Readonly<{kind: 'keep'; problem: string | null}>

/**
 * `now`: where the database leads by the include file. `mayList`: this PgBouncer takes several hosts
 * in one entry.
 */
export type DestinationQuestion = Readonly<{
  name: string
  database: PgbouncerDatabase
  now: Pointer | null
  snapshot: Snapshot
  fallback: (group: string) => ReadFallback
  mayList: boolean
}>

export function destinationOf({name, database, now, snapshot, fallback, mayList}: DestinationQuestion): Destination {
  const groups = Object.keys(snapshot.groups)
  const group = snapshot.groups[database.group ?? (groups.length === 1 ? (groups[0] ?? '') : '')]
  if (group === undefined) {
    const what = database.group === null ? 'has no group' : `has the unknown group "${database.group}"`
    return {kind: 'keep', problem: `database "${name}" ${what}: set its group to one of ${groups.join(', ')}`}
  }
  // Routing stands while the daemon restarts or reloads: no host has been asked yet, so no answer
  // speaks against the present one.
  if (isStarting(group.verdict)) return {kind: 'keep', problem: null}
  const may = eligibleHosts({role: database.role, hosts: group.hosts, snapshot, fallback}).flatMap(
    (host) => snapshot.hosts[host] ?? [],
  )
  if (may.length > 0) return {kind: 'at', ...choose(may, now, mayList)}
  const routed = snapshot.hosts[group.verdict.routedTo ?? '']
  // Another group of the same host is starting: the database stays on that host, but does not move
  // to it.
  const isAnyStarting = routed && isUnasked(routed, snapshot)
  if (routed && isAnyStarting && now !== null && leadsTo(now, routed)) return {kind: 'keep', problem: null}
  return {kind: 'nowhere', pointer: nowhere, why: group.verdict.why}
}

export const leadsTo = (pointer: Pointer, {address, port}: HostState): boolean =>
  pointer.port === port && pointer.host.split(',').includes(address)

/**
 * All hosts, where one entry can hold them: they share one port, and none is a unix socket.
 * Otherwise the present host for as long as it may serve, because every move costs the clients
 * their server connections; otherwise the host that lags least.
 */
function choose(
  may: readonly HostState[],
  now: Pointer | null,
  mayList: boolean,
): Readonly<{pointer: Pointer; hosts: readonly string[]}> {
  const isAlike = may.every(({port, address}) => port === may[0]?.port && !address.startsWith('/'))
  if (may.length > 1 && mayList && isAlike) {
    const sorted = may.toSorted((a, b) => (a.host < b.host ? -1 : 1))
    return {
      pointer: {host: sorted.map(({address}) => address).join(','), port: may[0]?.port ?? 0},
      hosts: sorted.map(({host}) => host),
    }
  }
  const inUse = now === null ? undefined : may.find((host) => leadsTo(now, host))
  const {address, port, host} = inUse ?? (may.toSorted(byLag)[0] as HostState)
  return {pointer: {host: address, port}, hosts: [host]}
}

const lagOf = (host: HostState) => (host.role === 'standby' ? host.lagBytes : null) ?? Number.POSITIVE_INFINITY

/** Unknown lag comes last. */
const byLag = (a: HostState, b: HostState): number => {
  const [first, second] = [lagOf(a), lagOf(b)]
  if (first !== second) return first < second ? -1 : 1
  return a.host < b.host ? -1 : 1
}
