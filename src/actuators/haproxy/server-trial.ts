import {addressedHosts} from '../../core/offers/addressed-hosts.ts'
import {serverLookup, serverMismatch} from '../../core/offers/server-lookup.ts'
import {placeText} from '../../core/offers/server-name.ts'
import type {HostSettings} from '../../core/settings.ts'
import {matchServer, type PlacedServer} from './match.ts'

/** A server, and where it was seen: `HAProxy /run/haproxy/admin.sock`, or `the daemon`. */
export type SeenServer = Readonly<{by: string}> & PlacedServer

/** What `config check --connect` says of the servers of load balancers. */
export type ServerTrial = Readonly<{
  /** The name is one host's, and the address another's: for the operator to correct. */
  mismatches: readonly string[]
  /** Servers at addresses of no host, and the line that makes the addresses the host's. */
  unknown: readonly Readonly<{host: string; addresses: readonly string[]; seenBy: readonly string[]; line: string}>[]
}>

/** `resolved`: the addresses to which the names of the hosts lead now, in the order of the hosts. */
export function tryServers(
  hosts: readonly HostSettings[],
  resolved: readonly (readonly string[])[],
  seen: readonly SeenServer[],
): ServerTrial {
  const find = serverLookup(addressedHosts(hosts, resolved))
  const matched = seen.map((server) => ({server, match: matchServer(server, find)}))
  const mismatches = matched.flatMap(({server: {by, server: name, address, port}, match}) => {
    if (match.kind !== 'mismatch') return []
    const {message, next} = serverMismatch({name, address, port}, match)
    return `${by}: ${message}. ${next}`
  })
  const unknown = hosts.flatMap((host) => {
    const own = matched.flatMap(({server, match}) =>
      match.kind === 'host' && match.host.host === host.name && !match.isAddressKnown ? server : [],
    )
    if (own.length === 0) return []
    const addresses = [...new Set(own.flatMap((server) => aliasFor(server, host)))]
    const line = `aliases: [${[...host.aliases, ...addresses].map(quoted).join(', ')}]`
    return {host: host.name, addresses, seenBy: [...new Set(own.map(({by}) => by))], line}
  })
  return {mismatches: [...new Set(mismatches)], unknown}
}

/** An alias without a port has the port of its host. */
function aliasFor({address, port}: PlacedServer, {connection}: HostSettings): readonly string[] {
  if (address === null) return []
  return [port === null || port === connection.port ? address : placeText(address, port)]
}

/** Colons and brackets mean something in YAML. */
const quoted = (address: string): string => (/^[\w./-]+$/.test(address) ? address : JSON.stringify(address))

export const serverTrialLines = ({mismatches, unknown}: ServerTrial): readonly string[] => [
  ...mismatches,
  ...unknown.flatMap(({host, addresses, seenBy, line}) => [
    `${seenBy.join(', ')}: server ${host} has ${addresses.join(', ')}, an address of no host: its name alone decides.`,
    `  If the address leads to ${host}, write at ${host}: ${line}`,
  ]),
]
