import {type FoundServer, findServer} from '../../core/offers/server-lookup.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'

/**
 * One server of one backend, as HAProxy shows it (HAProxy 2.6 management guide, "show servers
 * state" and "show stat").
 */
export type HaproxyServer = Readonly<{
  backend: string
  server: string
  /** `null`: HAProxy has none (a name that is not resolved, a unix socket). */
  address: string | null
  port: number
  /** The DNS name in haproxy.cfg; `null`: haproxy.cfg has an address. */
  name: string | null
  /**
   * Bits: `forcedMaintenance`, `forcedDrain`. The runtime API cannot clear the others, and bit 4 only
   * records that haproxy.cfg says `disabled`.
   */
  adminState: number
  sessions: number
}>

/** Which host a server of HAProxy is. `mismatch`: the name is one host's, and the address another's. */
export type ServerMatch = FoundServer<HostState>

/**
 * HAProxy connects to the address; the DNS name in haproxy.cfg says where the address comes from.
 * The address outweighs both names. Where the address is no host's, the names decide, and two names of
 * two hosts are no host.
 */
export function matchServer({server, address, port, name}: HaproxyServer, snapshot: Snapshot): ServerMatch {
  const found = findServer({name: server, address, port}, snapshot)
  if (name === null || found.kind === 'mismatch') return found
  const byName = findServer({name: null, address: name, port}, snapshot)
  if (byName.kind !== 'host') return found
  if (found.kind !== 'host') return byName
  if (found.host === byName.host) return {...found, isAddressKnown: true}
  const [named, there] = found.isAddressKnown ? [byName.host, found.host] : [found.host, byName.host]
  return {kind: 'mismatch', named: named.host, others: [there.host]}
}
