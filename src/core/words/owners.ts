import type {GroupState, HostState, Snapshot} from '../snapshot.ts'

export type Owners = Readonly<{text: string; isWhole: boolean}>

/**
 * Of a set of instances: which of them tells of how many groups, in one line. `isWhole`: each group has its owner.
 * `null`: the groups are not shared.
 */
export function ownersOf({groups, hosts}: Snapshot): Owners | null {
  const shared = Object.values(groups).filter(({owner}) => owner !== undefined)
  if (shared.length === 0) return null
  const isTold = ({owner, hosts: members}: GroupState) => owner != null && members.some((name) => isSeen(hosts[name]))
  const told = shared.filter(isTold)
  const byInstance = Map.groupBy(told, ({owner}) => owner?.instance ?? '')
  const counts = [...byInstance]
    .map(([instance, groups]) => ({instance, count: groups.length}))
    .toSorted((one, other) => (one.instance < other.instance ? -1 : 1))
  const standing = told.filter(({owner}) => owner?.isStandingIn).length
  const untold = shared.length - told.length
  const parts = [
    counts.map(({instance, count}) => `${instance} tells of ${groupsText(count)}`).join(', '),
    standing > 0 ? `${standing} of them in place of a silent owner` : '',
    untold > 0 ? `no instance tells of ${groupsText(untold)}` : '',
  ]
  return {text: parts.filter(Boolean).join('; '), isWhole: standing === 0 && untold === 0}
}

const groupsText = (count: number): string => (count === 1 ? '1 group' : `${count} groups`)

/** A host that is unavailable without a cause was never asked. */
const isSeen = (host: HostState | undefined): boolean =>
  host !== undefined && (host.role !== 'unavailable' || (host.cause !== null && host.cause !== 'stale'))
