import type {HostState, Snapshot} from './snapshot.ts'

/** How a load balancer names a server. `null`: it did not say. */
export type ServerName = Readonly<{name: string | null; address: string | null; port: number | null}>

/**
 * The host that a load balancer means: by name, else by address and port (DESIGN 6.1). Whole values only - 10.0.0.1 is not 10.0.0.10 - and an
 * address that two hosts share means neither.
 */
export function hostOfServer({name, address, port}: ServerName, snapshot: Snapshot): HostState | null {
  // Names come from outside, and every object has a "constructor".
  if (name !== null && Object.hasOwn(snapshot.hosts, name)) return snapshot.hosts[name] ?? null
  if (address === null || port === null) return null
  const there = Object.values(snapshot.hosts).filter((host) => host.port === port && bare(host.address) === bare(address))
  return there.length === 1 ? (there[0] ?? null) : null
}

/** IPv6 is written with brackets and without, and in either case. */
const bare = (address: string) => address.replace(/^\[(.*)\]$/, '$1').toLowerCase()
