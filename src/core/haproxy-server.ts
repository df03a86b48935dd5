import type {HostState, Snapshot} from './snapshot.ts'

/** How a load balancer names a server. `null`: it did not say. */
export type ServerName = Readonly<{name: string | null; address: string | null; port: number | null}>

/**
 * The host that a load balancer means: by name, else by address and port (DESIGN 6.1). Whole values only - 10.0.0.1 is not 10.0.0.10 - and an
 * address that two hosts share means neither. A name with the address of another host means nobody: who trusts the name would send to the other.
 */
export const hostOfServer = (server: ServerName, snapshot: Snapshot): HostState | null => hostFinder(snapshot)(server)

/** The same, for many servers. */
export function hostFinder({hosts}: Snapshot): (server: ServerName) => HostState | null {
  const byPlace = Map.groupBy(Object.values(hosts), ({address, port}) => placeOf(address, port))
  return ({name, address, port}) => {
    const there = address === null || port === null ? [] : (byPlace.get(placeOf(address, port)) ?? [])
    // Names come from outside, and every object has a "constructor".
    const named = name !== null && Object.hasOwn(hosts, name) ? hosts[name] : undefined
    if (named === undefined) return there.length === 1 ? (there[0] ?? null) : null
    return there.length === 0 || there.includes(named) ? named : null
  }
}

/** IPv6 is written with brackets and without, and in either case. */
const placeOf = (address: string, port: number) => `${address.replace(/^\[(.*)\]$/, '$1').toLowerCase()} ${port}`
