import type {HostSettings} from '../settings.ts'
import type {AddressedHost} from './server-lookup.ts'

/**
 * The hosts with their configured addresses. `resolved`: further addresses of each host, in the same
 * order.
 */
export const addressedHosts = (
  hosts: readonly HostSettings[],
  resolved: readonly (readonly string[])[] = [],
): readonly AddressedHost[] =>
  hosts.map(({name, aliases, connection: {host, hostaddr, port}}, index) => ({
    host: name,
    addresses: [host, ...(hostaddr === null ? [] : [hostaddr]), ...aliases, ...(resolved[index] ?? [])],
    port,
  }))
