import {OperatorError} from '../../core/errors.ts'

export const isUri = (text: string): boolean => /^postgres(ql)?:\/\//.test(text)

const encode = 'Percent-encode special characters: "@" is %40, "/" is %2F, ":" is %3A.'

/**
 * `postgres://user:password@host1:5432,host2/dbname?keyword=value` → libpq keywords; lists of hosts
 * and ports stay joined by commas. Node's URL parser takes neither several hosts nor a socket's
 * directory.
 */
export function parseUri(uri: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  // As in libpq, user and password end at the first "@" before any "/": a "?" may stand in them.
  const match = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(uri)
  if (match === null) throw new OperatorError('CONFIG_DSN', 'is not a connection URI', encode)
  const [, userInfo, hostList = '', dbname = '', query = ''] = match
  // A second "@" comes from a password that was not encoded. Its rest would pass for a host or a
  // database, and be shown.
  if ((hostList + dbname).includes('@'))
    throw new OperatorError('CONFIG_DSN', 'has an "@" outside of user and password', encode)

  const colon = userInfo?.indexOf(':') ?? -1
  set(found, 'user', decode(colon < 0 ? (userInfo ?? '') : (userInfo ?? '').slice(0, colon)))
  if (colon >= 0) set(found, 'password', decode((userInfo ?? '').slice(colon + 1)))
  const hosts = hostList === '' ? [] : hostList.split(',').map(hostAndPort)
  set(found, 'host', hosts.map(({host}) => host).join(','))
  if (hosts.some(({port}) => port !== '')) set(found, 'port', hosts.map(({port}) => port).join(','))
  set(found, 'dbname', decode(dbname))
  for (const parameter of query.split('&').filter((each) => each !== '')) {
    const [keyword = '', value, ...more] = parameter.split('=')
    if (value === undefined || more.length > 0) {
      throw new OperatorError(
        'CONFIG_DSN',
        'has a parameter that is not keyword=value',
        'Percent-encode "=" as %3D and "&" as %26.',
      )
    }
    // JDBC's keyword for encryption, which libpq reads too.
    if (keyword === 'ssl' && value === 'true') found.set('sslmode', 'require')
    else found.set(decode(keyword), decode(value))
  }
  return found
}

function hostAndPort(text: string): Readonly<{host: string; port: string}> {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text)
  if (match === null)
    throw new OperatorError(
      'CONFIG_DSN',
      'has a host or port that cannot be read',
      `Write host:port or [IPv6]:port. ${encode}`,
    )
  return {host: decode(match[1] ?? match[2] ?? ''), port: match[3] ?? ''}
}

function set(found: Map<string, string>, keyword: string, value: string): void {
  if (value !== '') found.set(keyword, value)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new OperatorError(
      'CONFIG_DSN',
      'has a "%" that does not begin a percent-encoded character',
      'Write "%" as %25.',
    )
  }
}
