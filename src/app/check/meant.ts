import type {Config} from '../../config/config.ts'
import {addressedHosts} from '../../core/offers/addressed-hosts.ts'
import {type AddressedHost, type FoundServer, serverLookup} from '../../core/offers/server-lookup.ts'
import {meantText, readPlace, type ServerName} from '../../core/offers/server-name.ts'
import {type CheckQuestion, serverMeant} from './arguments.ts'

/** Characters of all `host=` together: a daemon refuses a request of more than 16 kB. */
const longest = 8_000

/**
 * The hosts that a question means, as `host=` takes them: the host that is asked about, or all hosts
 * of the group. A daemon that does not watch them is another cluster's. `null` for the configuration:
 * this user has none, and HAProxy's own arguments are all there is.
 */
export function hostsMeant(config: Config | null, question: CheckQuestion): readonly string[] {
  if (config === null) return serverMeant(question)
  const {server, address, group} = question
  const found = findConfigured(config, serverOf(question))
  if (found.kind === 'mismatch' || (found.kind === 'unknown' && address !== null)) return serverMeant(question)
  const own = config.groups.find(({name}) => name === group)?.hosts
  const isMeant = (host: string) =>
    found.kind === 'host' ? host === found.host.host : own === undefined || server !== null || own.includes(host)
  const all = addressedHosts(config.hosts).filter(({host}) => isMeant(host))
  return upTo(
    longest,
    all.flatMap(({host, addresses, port}) =>
      addresses.map((address) => meantText({name: host, ...readPlace(address, port)})),
    ),
  )
}

/**
 * The host of the configuration that the server is, by the configured addresses. `resolved`: further
 * addresses of each host, in the order of the configuration.
 */
export const findConfigured = (
  {hosts}: Config,
  server: ServerName,
  resolved?: readonly (readonly string[])[],
): FoundServer<AddressedHost> => serverLookup(addressedHosts(hosts, resolved))(server)

export const serverOf = ({server, address, port}: CheckQuestion): ServerName => ({
  name: server,
  address,
  port: port === null ? null : Number(port),
})

function upTo(limit: number, words: readonly string[]): readonly string[] {
  let left = limit
  return words.filter((word) => {
    left -= word.length
    return left >= 0
  })
}
