import {causeOf, type HostState, type Snapshot} from '../snapshot.ts'
import {speaksAgainst} from '../verdict/verdict-kind.ts'

/**
 * Evidence speaks against writing to this host: a second primary, a successor, a newer timeline, the
 * host's own answer, or another cluster on it. Only then may its sessions be cut. A host that is
 * merely unconfirmed (no answer, connection refused, confirmation missing, our own event loop
 * stalled) keeps its sessions and gets no new ones.
 */
export const isDeposed = (host: HostState, snapshot: Snapshot): boolean =>
  host.role === 'standby' ||
  causeOf(host) === 'foreign-cluster' ||
  host.groups.some((name) => {
    const verdict = snapshot.groups[name]?.verdict
    return verdict !== undefined && speaksAgainst(verdict, host.host)
  })
