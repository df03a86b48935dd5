import type {HostState, Snapshot} from '../snapshot.ts'

/** How a load balancer names a server. `null`: it did not say. */
export type ServerName = Readonly<{name: string | null; address: string | null; port: number | null}>

/**
 * The host that a load balancer asks about: by name, else by address and port (DESIGN 6.1). Whole
 * values only (10.0.0.1 is not 10.0.0.10), and an address that two hosts share means neither.
 */
export const hostOfServer = ({name, ...address}: ServerName, snapshot: Snapshot): HostState | null =>
  hostNamed(name, snapshot) ?? hostFinder(snapshot)({name: null, ...address})

/**
 * The same for many servers, and for a caller that sends connections to them: a name with the
 * address of another host means no host.
 */
export function hostFinder(snapshot: Snapshot): (server: ServerName) => HostState | null {
  const byAddress = Map.groupBy(Object.values(snapshot.hosts), ({address, port}) => addressKey(address, port))
  return ({name, address, port}) => {
    const there = address === null || port === null ? [] : (byAddress.get(addressKey(address, port)) ?? [])
    const named = hostNamed(name, snapshot)
    if (named === null) return there.length === 1 ? (there[0] ?? null) : null
    return there.length === 0 || there.includes(named) ? named : null
  }
}

/** Names come from outside, and every object has a "constructor". */
const hostNamed = (name: string | null, {hosts}: Snapshot): HostState | null =>
  name !== null && Object.hasOwn(hosts, name) ? (hosts[name] ?? null) : null

/** IPv6 is written with brackets and without, and in either case. */
const addressKey = (address: string, port: number) => `${address.replace(/^\[(.*)\]$/, '$1').toLowerCase()} ${port}`
