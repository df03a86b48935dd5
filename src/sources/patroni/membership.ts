import {addressesOf, type HostRecord} from '../../core/facts/host-record.ts'
import {addressKey} from '../../core/offers/address-key.ts'
import {bareHost} from '../../core/offers/bare-host.ts'
import type {PostgresAddress} from './leader-key.ts'

/** A member that is known: by its URL, by its name, or by both. */
export type KnownMember = Readonly<{
  /** `null`: Patroni before 3.2, and the cluster did not tell either. */
  name: string | null
  /** Scheme, host and port of its REST API. */
  url: string | null
  /** Where its PostgreSQL is; `null`: not told. */
  address: PostgresAddress | null
}>

/**
 * The host that a member is (H10): as the operator says (`explicit`, host → name of the member), by
 * the address of its PostgreSQL, or by the address of its REST API where that is of one host alone.
 * `null`: none for certain.
 */
export function hostOfMember(
  {name, url, address}: KnownMember,
  hosts: readonly HostRecord[],
  explicit: Readonly<Record<string, string>>,
): string | null {
  const told = Object.entries(explicit).find(([, member]) => member === name)?.[0]
  if (told !== undefined) return told
  // A host that the operator has given another member is not this one.
  const open = hosts.filter(({settings}) => !Object.hasOwn(explicit, settings.name))
  const names = (record: HostRecord, host: string) =>
    addressesOf(record).some((known) => addressKey(known) === addressKey(host))
  if (address !== null) {
    const there = open.filter(
      (record) => record.settings.connection.port === address.port && names(record, address.host),
    )
    return there.length === 1 ? (there[0]?.settings.name ?? null) : null
  }
  if (url === null || !URL.canParse(url)) return null
  const host = bareHost(new URL(url))
  const there = open.filter((record) => names(record, host))
  return there.length === 1 ? (there[0]?.settings.name ?? null) : null
}
