import {OperatorError} from '../../core/errors.ts'
import type {ConnectionSettings, HostSettings} from '../../core/settings.ts'
import {nearest} from '../../core/words/nearest.ts'
import {hostFields} from '../sections/hosts/host-fields.ts'
import {type ConnectionEnv, connectionOf, hostOf} from './connection.ts'
import {type DsnHost, keywordsOf, parseDsn, splitHosts} from './dsn.ts'
import {nameHosts} from './dsn-names.ts'
import {variable} from './environment.ts'
import {isKeyword} from './keyword-values.ts'
import {keywords} from './keywords.ts'

/**
 * The hosts of some connection strings, with names. Passwords in them are plain, not base64 as in
 * the file. Problems go to the report as `dsn 1`. `fallback`: a connection string for what neither the
 * strings nor their services give.
 */
export async function hostsOfDsns(
  dsns: readonly string[],
  around: ConnectionEnv,
  fallback = '',
): Promise<readonly HostSettings[]> {
  const {report} = around
  const hosts: HostSettings[] = []
  for (const [index, dsn] of dsns.entries()) {
    const path = dsns.length === 1 ? 'dsn' : `dsn ${index + 1}`
    try {
      const given = splitHosts(new Map([...keywordsOf(fallback), ...(await withServiceOf(keywordsOf(dsn), around))]))
      // Several hosts of one string share its mistakes, which are reported once.
      for (const [nth, each] of given.entries())
        hosts.push(hostOf('', readHost(each, path, nth === 0, around), path, {...around, encoding: 'plain'}))
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      report.refuse(path, error.code, error.message, error.next)
    }
  }
  const names = nameHosts(hosts.map(({connection}) => connection))
  return hosts.map((host, index) => ({...host, name: names[index] ?? ''}))
}

/** With the keywords of the connection service that the string or `$PGSERVICE` names. */
async function withServiceOf(given: ReadonlyMap<string, string>, around: ConnectionEnv) {
  const name = given.get('service') || variable(around.env, 'PGSERVICE')
  if (!name) return given
  const {serviceOf, withService} = await import('./service.ts')
  return withService(given, await serviceOf(name, given.get('servicefile') || null, around))
}

function readHost(given: DsnHost, path: string, isFirst: boolean, {report}: ConnectionEnv) {
  const known = new Map([...given].filter(([keyword]) => isKeyword(keyword)))
  const unknown = [...given.keys()].filter((keyword) => !known.has(keyword))
  for (const keyword of isFirst ? unknown : []) {
    // Not shown: behind an unencoded "&" or a blank, the keyword is the rest of a password.
    const near = nearest(keyword, Object.keys(keywords))
    const next = near
      ? `Did you mean "${near}"?`
      : 'Use libpq keywords. Encode "&" as %26, and put values with blanks into quotes.'
    report.refuse(path, 'CONFIG_UNKNOWN_KEY', 'has an unknown keyword', next)
  }
  return hostFields.read(new Map([...known].filter(([, value]) => value !== '')), path, report.withoutValues())
}

/** `defaults`: the database of a string without one; the user too where no string can be read. */
export type OneServer = Readonly<{
  dsn: string | null
  passwordFile: string | null
  defaults: Readonly<{user: string; dbname: string}>
}>

/**
 * The one server that a connection string names: an admin console, a monitor. As in libpq, except
 * that `$PGHOST`, `$PGUSER` and the like are not read: they mean the hosts.
 */
export function oneConnection(
  {dsn, passwordFile, defaults}: OneServer,
  path: string,
  {report, ...around}: ConnectionEnv,
): ConnectionSettings {
  const own = {...around, report, env: passwordsOnly(around.env)}
  const blank = () => connectionOf({...hostFields.absent, host: 'localhost', user: defaults.user}, path, own)
  if (dsn === null) return blank()
  try {
    const [given, ...more] = parseDsn(dsn)
    if (given === undefined || more.length > 0)
      throw new OperatorError('CONFIG_DSN', 'names several servers', 'Write an entry for each of them.')
    const fields = readHost(given, path, true, own)
    return connectionOf(
      {...fields, password_file: passwordFile ?? fields.password_file, dbname: fields.dbname ?? defaults.dbname},
      path,
      own,
    )
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    report.refuse(path, error.code, error.message, error.next)
    return blank()
  }
}

const passwordsOnly = ({HOME, PGPASSFILE}: ConnectionEnv['env']): ConnectionEnv['env'] => ({
  ...(HOME !== undefined && {HOME}),
  ...(PGPASSFILE !== undefined && {PGPASSFILE}),
})

/** `$PGHOST`, `$PGHOSTADDR` and `$PGPORT`, which may be lists, as one connection string. */
export const environmentDsn = (env: ConnectionEnv['env']): string =>
  ['host', 'hostaddr', 'port']
    .flatMap((keyword) => {
      const value = variable(env, `PG${keyword.toUpperCase()}`)
      return value === null ? [] : [`${keyword}='${value.replace(/[\\']/g, '\\$&')}'`]
    })
    .join(' ')
