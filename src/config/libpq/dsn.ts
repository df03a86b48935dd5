import {OperatorError} from '../../core/errors.ts'
import {parseKeywords} from './dsn-keywords.ts'
import {isUri, parseUri} from './dsn-uri.ts'

/** One host as a DSN describes it: libpq keywords, all values plain. */
export type DsnHost = ReadonlyMap<string, string>

/** Is this argument a connection string, not the name of a host? psql decides by the same rule. */
export const isDsn = (text: string): boolean => isUri(text) || text.includes('=')

/**
 * The hosts of one connection string, which may name several (PostgreSQL documentation, 34.1.1
 * "Connection Strings"). Throws OperatorError. No message quotes the string, because any part of it
 * may be a mistyped password.
 */
export const parseDsn = (text: string): readonly DsnHost[] => splitHosts(keywordsOf(text))

/** One connection string as it is written: lists of hosts stay joined. Throws OperatorError. */
export const keywordsOf = (text: string): ReadonlyMap<string, string> =>
  isUri(text) ? parseUri(text) : parseKeywords(text)

/** One entry per host. Throws OperatorError. */
export function splitHosts(shared: ReadonlyMap<string, string>): readonly DsnHost[] {
  const several = (keyword: string) => shared.get(keyword)?.split(',') ?? []
  const [hosts, addresses, ports] = [several('host'), several('hostaddr'), several('port')]
  const count = Math.max(hosts.length, addresses.length, 1)
  if (hosts.length > 0 && addresses.length > 0 && hosts.length !== addresses.length) {
    throw new OperatorError(
      'CONFIG_DSN',
      `has ${addresses.length} host addresses for ${hosts.length} hosts`,
      'Give one hostaddr per host.',
    )
  }
  if (ports.length > 1 && ports.length !== count) {
    throw new OperatorError(
      'CONFIG_DSN',
      `has ${ports.length} ports for ${count} hosts`,
      'Give one port per host, or one for all.',
    )
  }
  return Array.from({length: count}, (_, index) => {
    const own = new Map(shared)
    place(own, 'host', hosts[index])
    place(own, 'hostaddr', addresses[index])
    place(own, 'port', ports.length > 1 ? ports[index] : ports[0])
    return own
  })
}

function place(own: Map<string, string>, keyword: string, value: string | undefined): void {
  if (value) own.set(keyword, value)
  else own.delete(keyword)
}
