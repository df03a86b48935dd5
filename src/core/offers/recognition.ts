import {OperatorError} from '../errors.ts'
import type {Snapshot} from '../snapshot.ts'
import {findServer} from './server-lookup.ts'
import {type MeantHost, meantText, placeText, type ServerName} from './server-name.ts'

/**
 * Does this daemon watch the hosts that the asker means (DESIGN 6.1)? Throws OperatorError
 * (NOT_MY_HOSTS) where it does not know a name, or none of the addresses given for the name. Two
 * clusters may have the same names, so only an address tells them apart. `server` is the server in
 * question: HAProxy may have a name of its own for it, and then the address alone decides.
 */
export function assertMine(meant: readonly MeantHost[], server: ServerName, snapshot: Snapshot): void {
  for (const [name, places] of Map.groupBy(meant, (one) => one.name))
    if (!places.some((place) => isMine(place, server, snapshot))) throw notMine(name, places, snapshot)
}

function isMine(place: MeantHost, server: ServerName, snapshot: Snapshot): boolean {
  const found = findServer(place, snapshot)
  if (found.kind !== 'host' || !found.isAddressKnown) return false
  return found.host.host === place.name || (server.name === place.name && server.address !== null)
}

function notMine(name: string, [first]: readonly MeantHost[], {hosts}: Snapshot): OperatorError {
  const known = Object.hasOwn(hosts, name) ? hosts[name] : undefined
  const here = known
    ? `here ${name} is ${placeText(known.address, known.port)}`
    : `its hosts: ${Object.keys(hosts).slice(0, 5).join(', ')}`
  return new OperatorError(
    'NOT_MY_HOSTS',
    `this daemon does not watch ${first ? meantText(first).slice(0, 120) : name} (${here})`,
    "Ask the daemon that watches this host. If it is this one, add the address to the host's aliases.",
  )
}
