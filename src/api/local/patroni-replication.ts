import {lsnDifference} from '../../core/facts/lsn.ts'
import type {Lsn} from '../../core/facts/observation.ts'
import type {HostState, Snapshot, StandbyHost} from '../../core/snapshot.ts'
import {isSettled} from '../../core/verdict/verdict-kind.ts'

/** A WAL position as a number of bytes, as Patroni writes it. */
export const positionOf = (lsn: Lsn | null): number | null => lsnDifference(lsn, '0/0')

/** Patroni's word, where the host says it; `null`: another state, or unknown. */
export const replicationState = (host: HostState): 'streaming' | null =>
  host.role === 'standby' && host.receiver?.status === 'streaming' ? 'streaming' : null

/** How many bytes the standby has not received; `null`: unknown, wherever its lag is. */
export function receiveLag(host: StandbyHost, snapshot: Snapshot): number | null {
  if (host.lagBytes === null) return null
  const primaries = host.groups.flatMap((name) => {
    const verdict = snapshot.groups[name]?.verdict
    return verdict !== undefined && isSettled(verdict) ? (snapshot.hosts[verdict.primary] ?? []) : []
  })
  const lsnOf = (primary: HostState | undefined) => (primary?.role === 'primary' ? primary.lsn : null)
  const difference = lsnDifference(lsnOf(primaries[0]), host.receiveLsn)
  // The two were not asked at the same moment.
  return difference === null ? null : Math.max(0, difference)
}
