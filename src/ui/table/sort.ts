import type {HostState} from '../../core/snapshot.ts'

/** `config`: as the hosts are configured. */
export const sorts = ['config', 'name', 'role', 'lag', 'change', 'probe'] as const
export type Sort = (typeof sorts)[number]

// host2 comes before host10.
const names = new Intl.Collator('en', {numeric: true})
const roles = {primary: 0, unavailable: 1, standby: 2} as const
/** Unknown is worse than any number. */
const worst = (value: number | null) => value ?? Number.POSITIVE_INFINITY
const down = (a: number, b: number) => (a === b ? 0 : b > a ? 1 : -1)

const orders: Readonly<Record<Exclude<Sort, 'config'>, (a: HostState, b: HostState) => number>> = {
  name: (a, b) => names.compare(a.host, b.host),
  role: (a, b) => roles[a.role] - roles[b.role],
  lag: (a, b) => down(lagRank(a), lagRank(b)),
  change: (a, b) => down(a.since, b.since),
  probe: (a, b) => down(worst(a.probeMs), worst(b.probeMs)),
}

/** A primary does not lag: it comes after the last standby. */
const lagRank = (host: HostState) =>
  host.role === 'standby' ? worst(host.lagBytes) : host.role === 'unavailable' ? -1 : -2

/**
 * What needs looking at comes first: the furthest behind, the latest to change, the slowest. Equal
 * ones keep their order.
 */
export const sorted = (hosts: readonly HostState[], sort: Sort): readonly HostState[] =>
  sort === 'config' ? hosts : hosts.toSorted(orders[sort])
