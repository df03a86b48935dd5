import type {FoundServer} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'

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

/** What tells which host a server is. */
export type PlacedServer = Pick<HaproxyServer, 'server' | 'address' | 'name'> & Readonly<{port: number | null}>

/**
 * Which host a server of HAProxy is. HAProxy connects to the address; the DNS name in haproxy.cfg
 * says where the address comes from. The address outweighs both names. Where the address is no
 * host's, the names decide, and two names of two hosts are no host.
 */
export function matchServer<Host extends Readonly<{host: string}>>(
  {server, address, port, name}: PlacedServer,
  find: (server: ServerName) => FoundServer<Host>,
): FoundServer<Host> {
  const found = find({name: server, address, port})
  if (name === null || found.kind === 'mismatch') return found
  const byName = find({name: null, address: name, port})
  if (byName.kind !== 'host') return found
  if (found.kind !== 'host') return byName
  if (found.host.host === byName.host.host) return {...found, isAddressKnown: true}
  const [named, there] = found.isAddressKnown ? [byName.host, found.host] : [found.host, byName.host]
  return {kind: 'mismatch', named: named.host, others: [there.host]}
}
