import type {HostState} from '../../core/snapshot.ts'

/** `config`: in the order of the configuration. */
export const sorts = ['config', 'name', 'role', 'lag', 'change', 'probe'] as const
export type Sort = (typeof sorts)[number]

// host2 comes before host10.
const names = new Intl.Collator('en', {numeric: true})
const roles = {primary: 0, unavailable: 1, standby: 2} as const
/** An unknown value sorts as worse than any number. */
const worst = (value: number | null) => value ?? Number.POSITIVE_INFINITY
const down = (a: number, b: number) => (a === b ? 0 : b > a ? 1 : -1)

const orders: Readonly<Record<Exclude<Sort, 'config'>, (a: HostState, b: HostState) => number>> = {
  name: (a, b) => names.compare(a.host, b.host),
  role: (a, b) => roles[a.role] - roles[b.role],
  lag: (a, b) => down(lagRank(a), lagRank(b)),
  change: (a, b) => down(a.since, b.since),
  probe: (a, b) => down(worst(a.probeMs), worst(b.probeMs)),
}

/** Standbys by lag, then unavailable hosts, then primaries, which have no lag. */
const lagRank = (host: HostState) =>
  host.role === 'standby' ? worst(host.lagBytes) : host.role === 'unavailable' ? -1 : -2

/**
 * The hosts that need attention come first: the largest lag, the latest change, the slowest probe.
 * Equal hosts keep their order.
 */
export const sorted = (hosts: readonly HostState[], sort: Sort): readonly HostState[] =>
  sort === 'config' ? hosts : hosts.toSorted(orders[sort])
