import {addressesOf, factsOf, type HostRecord} from './host-record.ts'
import type {Sender} from './observation.ts'

/**
 * The server that a standby streams from. `host`: a configured host, resolved. `elsewhere`: the
 * standby streams, but from an address of no configured host (unresolved counts as silence, never
 * as dissent). `blind`: our role may not read the row. `none`: no receiver runs.
 */
export type Upstream = Readonly<
  {kind: 'host'; host: string} | {kind: 'elsewhere'; address: string} | {kind: 'blind'} | {kind: 'none'}
>

/**
 * Resolves a standby's sender by address and port, by `aliases`, or by the sender's own
 * `pg_stat_replication` row (DESIGN 4.3). An address names a host whether that host answers or not;
 * its rows count only where it is one of `speaking`: else they are old, or another cluster's.
 */
export function upstreamOf(
  standby: HostRecord,
  hosts: readonly HostRecord[],
  speaking: readonly HostRecord[],
): Upstream {
  const receiver = factsOf(standby)?.facts.receiver ?? null
  if (receiver === null) return {kind: 'none'}
  if (receiver.status === null) return {kind: 'blind'}
  const others = hosts.filter((other) => other.settings.name !== standby.settings.name && other.duplicateOf === null)

  const {senderHost, senderPort} = receiver
  const named = others.filter(
    (other) =>
      senderHost !== null && other.settings.connection.port === senderPort && addressesOf(other).includes(senderHost),
  )
  if (named.length === 1 && named[0]) return {kind: 'host', host: named[0].settings.name}

  // Behind NAT, a proxy or a service name the address says nothing; the sender's own row does.
  const claiming = others.filter(
    (other) => speaking.includes(other) && rowOf(other, standby, hosts)?.state === 'streaming',
  )
  if (claiming.length === 1 && claiming[0]) return {kind: 'host', host: claiming[0].settings.name}
  return {kind: 'elsewhere', address: senderHost === null ? 'unknown' : `${senderHost}:${senderPort ?? '?'}`}
}

/**
 * The row of `sender`'s pg_stat_replication that belongs to `standby`; `null` when none does for
 * certain.
 */
export function rowOf(sender: HostRecord, standby: HostRecord, hosts: readonly HostRecord[]): Sender | null {
  const rows = factsOf(sender)?.facts.senders ?? []
  const byName = rows.filter(
    (row) => row.applicationName !== null && isNamed(row.applicationName, standby, hosts) && isAddressed(row, standby),
  )
  if (byName.length === 1) return byName[0] ?? null
  const byAddress = rows.filter((row) => row.clientAddr !== null && isAddressed(row, standby))
  const isShared = hosts.some(
    (other) => other !== standby && addressesOf(other).some((address) => addressesOf(standby).includes(address)),
  )
  return byAddress.length === 1 && !isShared ? (byAddress[0] ?? null) : null
}

/**
 * A row without an address came over a unix socket, or our role may not read the address. Then the
 * name alone decides.
 */
const isAddressed = (row: Sender, standby: HostRecord) =>
  row.clientAddr === null || addressesOf(standby).includes(row.clientAddr)

/**
 * Debian gives every server the same cluster_name ("15/main"): a name that two hosts share names
 * neither.
 */
function isNamed(name: string, standby: HostRecord, hosts: readonly HostRecord[]): boolean {
  const answersTo = (record: HostRecord) =>
    record.settings.name === name || factsOf(record)?.session.clusterName === name
  return answersTo(standby) && !hosts.some((other) => other !== standby && answersTo(other))
}
