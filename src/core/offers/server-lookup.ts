import {OperatorError} from '../errors.ts'
import type {HostState, Snapshot} from '../snapshot.ts'
import {addressKey} from './address-key.ts'
import {placeText, readPlace, type ServerName} from './server-name.ts'

/** A watched host, and every address under which it is known; an address may have a port of its own. */
export type AddressedHost = Readonly<{host: string; addresses: readonly string[]; port: number}>

/**
 * Which host a server is. `isAddressKnown` is false where the address belongs to no host (NAT, a
 * service network): the name alone decided. `mismatch`: the name is one host's, and the address
 * another's, so the server is no host.
 */
export type FoundServer<Host> = Readonly<
  | {kind: 'host'; host: Host; isAddressKnown: boolean}
  | {kind: 'mismatch'; named: string; others: readonly string[]}
  | {kind: 'unknown'}
>

/**
 * Tells which host a server is (DESIGN 7): the name decides, unless the address is another host's.
 * A name of no host is looked up by its address; an address that two hosts share means neither.
 * Without a port, an address means every host there.
 */
export function serverLookup<Host extends AddressedHost>(
  hosts: readonly Host[],
): (server: ServerName) => FoundServer<Host> {
  // Names come from outside, and every object has a "constructor". A map has none.
  const byName = new Map(hosts.map((host) => [host.host, host]))
  const places = hosts.flatMap((host) => {
    const keys = host.addresses.flatMap((text) => {
      const {address, port} = readPlace(text, host.port)
      return [addressKey(address), `${addressKey(address)} ${port}`]
    })
    return [...new Set(keys)].map((key) => ({key, host}))
  })
  const byPlace = Map.groupBy(places, ({key}) => key)
  return ({name, address, port}) => {
    const key = address === null ? null : `${addressKey(address)}${port === null ? '' : ` ${port}`}`
    const there = key === null ? [] : (byPlace.get(key) ?? []).map(({host}) => host)
    const named = name === null ? undefined : byName.get(name)
    if (named === undefined) {
      const [only] = there
      return only && there.length === 1 && port !== null
        ? {kind: 'host', host: only, isAddressKnown: true}
        : {kind: 'unknown'}
    }
    if (there.length > 0 && !there.includes(named))
      return {kind: 'mismatch', named: named.host, others: there.map(({host}) => host)}
    return {kind: 'host', host: named, isAddressKnown: key === null || there.length > 0}
  }
}

type SnapshotLookup = (server: ServerName) => FoundServer<HostState>
/** HAProxy asks thousands of times for one snapshot of a thousand hosts. */
const lookups = new WeakMap<Snapshot['hosts'], SnapshotLookup>()

/** The host of `snapshot` that the server is. */
export function findServer(server: ServerName, {hosts}: Snapshot): FoundServer<HostState> {
  const known = lookups.get(hosts) ?? serverLookup(Object.values(hosts))
  lookups.set(hosts, known)
  return known(server)
}

/** What every door answers to a server with the name of one host and the address of another. */
export function serverMismatch(
  {address, port}: ServerName,
  {named, others}: Readonly<{named: string; others: readonly string[]}>,
): OperatorError {
  const place = address === null || port === null ? `${address}` : placeText(address, port)
  return new OperatorError(
    'SERVER_MISMATCH',
    `server ${named} has the address ${place.slice(0, 80)} of ${others.slice(0, 3).join(', ')}`,
    `Give the server the address of ${named}, or the name of the host at its address.`,
  )
}
