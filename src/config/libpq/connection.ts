import {join, resolve} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {ConnectionSettings, HostSettings, PasswordSource, PgpassKey, SslMode} from '../../core/settings.ts'
import type {HostFields} from '../sections/hosts/host-fields.ts'
import {homeOf, osUser, variable} from './environment.ts'
import {type ConnectionEnv, fromEnvironment} from './from-environment.ts'
import {decodePassword, oneLine} from './password.ts'
import {securityOf} from './security.ts'

export type {ConnectionEnv} from './from-environment.ts'

export function hostOf(name: string, read: HostFields, path: string, around: ConnectionEnv): HostSettings {
  return {
    name,
    aliases: read.aliases.filter((alias) => alias !== ''),
    location: read.location,
    delayed: read.delayed,
    connection: connectionOf(read, path, {...around, encoding: read.password_encoding ?? around.encoding}),
  }
}

/**
 * What is given, else libpq's environment variables, else libpq's defaults (PostgreSQL
 * documentation, 34.15 "Environment Variables").
 */
export function connectionOf(given: HostFields, path: string, around: ConnectionEnv): ConnectionSettings {
  const {env, directory, report} = around
  const host = given.host ?? given.hostaddr ?? variable(env, 'PGHOST') ?? variable(env, 'PGHOSTADDR')
  if (host === null && report.isClean(`${path}.host`, `${path}.hostaddr`)) {
    report.refuse(
      `${path}.host`,
      'CONFIG_MISSING',
      'is missing',
      'Name the host, its address, or the directory of its unix socket.',
    )
  }
  if (host !== null && /[,\s@]/.test(host)) {
    report.refuse(`${path}.host`, 'CONFIG_VALUE', 'is not one host name or address', 'Write one host per entry.')
  }
  const user = given.user ?? variable(env, 'PGUSER') ?? osUser()
  if (user === null)
    report.refuse(`${path}.user`, 'CONFIG_MISSING', 'is missing, and this process has no user name', 'Name the user.')

  // A file that is not named stays null: as libpq does, the driver looks for ~/.postgresql/* at each
  // connection.
  const file = (value: string | null, name: string): string | null => {
    const named = value ?? variable(env, name)
    return named === null || (named === 'system' && name === 'PGSSLROOTCERT') ? named : resolve(directory, named)
  }
  const sslrootcert = file(given.sslrootcert, 'PGSSLROOTCERT')
  const sslmode = sslmodeOf(given, sslrootcert, path, around)
  const isUnix = given.hostaddr === null && /^[/@]/.test(host ?? '')
  const port = given.port ?? fromEnvironment('port', 'PGPORT', around) ?? 5432
  const dbname = given.dbname ?? variable(env, 'PGDATABASE') ?? user ?? ''
  const key = {host: given.host ?? host ?? '', port, dbname, user: user ?? ''}
  return {
    host: host ?? '',
    hostaddr: given.hostaddr ?? (given.host === null ? variable(env, 'PGHOSTADDR') : null),
    port,
    user: user ?? '',
    password: passwordSource(given, key, path, around),
    dbname,
    sslmode,
    sslrootcert,
    sslcert: file(given.sslcert, 'PGSSLCERT'),
    sslkey: file(given.sslkey, 'PGSSLKEY'),
    sslcrl: file(given.sslcrl, 'PGSSLCRL'),
    sslcrldir: file(given.sslcrldir, 'PGSSLCRLDIR'),
    sslpassword: given.sslpassword,
    ...securityOf(given, {isUnix, sslmode, path}, around),
    connectTimeoutMs: connectTimeoutOf(given, around),
    keepalive:
      given.keepalives === 0
        ? null
        : {
            idleSeconds: given.keepalives_idle || null,
            intervalSeconds: given.keepalives_interval || null,
            count: given.keepalives_count || null,
          },
    sslsni: given.sslsni ?? variable(env, 'PGSSLSNI') !== '0',
    applicationName: applicationNameOf(given, env),
    options: given.options ?? variable(env, 'PGOPTIONS'),
  }
}

const applicationNameOf = (given: HostFields, env: ConnectionEnv['env']): string =>
  given.application_name ?? variable(env, 'PGAPPNAME') ?? given.fallback_application_name ?? 'pgroute66'

function connectTimeoutOf(given: HostFields, around: ConnectionEnv): number | null {
  const seconds = given.connect_timeout ?? fromEnvironment('connect_timeout', 'PGCONNECT_TIMEOUT', around)
  return seconds ? seconds * 1000 : null
}

function sslmodeOf(given: HostFields, sslrootcert: string | null, path: string, around: ConnectionEnv): SslMode {
  const asked = given.sslmode ?? fromEnvironment('sslmode', 'PGSSLMODE', around) ?? requiresslOf(around)
  if (sslrootcert !== 'system') return asked ?? 'prefer'
  // libpq refuses this too: every attacker has a certificate of a public authority for some name.
  if (asked !== null && asked !== 'verify-full') {
    around.report.refuse(
      `${path}.sslmode`,
      'CONFIG_CONFLICT',
      `is ${asked}, which sslrootcert: system does not allow`,
      'Use sslmode: verify-full.',
    )
  }
  return 'verify-full'
}

/** libpq reads PGREQUIRESSL where PGSSLMODE is not set. */
const requiresslOf = ({env}: ConnectionEnv): SslMode | null =>
  variable(env, 'PGREQUIRESSL')?.startsWith('1') ? 'require' : null

function passwordSource(
  given: HostFields,
  key: PgpassKey,
  path: string,
  {env, directory, encoding, report}: ConnectionEnv,
): PasswordSource {
  const written = (['password', 'b64password', 'password_file'] as const).filter((key) => given[key] !== null)
  if (written.length > 1) {
    report.refuse(
      path,
      'CONFIG_CONFLICT',
      `has ${written.join(' and ')}, which both give the password`,
      'Keep one of them.',
    )
  }
  if (given.password_file !== null) return {from: 'password_file', path: resolve(directory, given.password_file)}
  const [keyword] = written
  const text = given.password ?? given.b64password
  if (keyword !== undefined && text !== null) {
    try {
      return {
        from: 'config',
        text: keyword === 'password' && encoding === 'plain' ? oneLine(text) : decodePassword(text),
      }
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      report.refuse(`${path}.${keyword}`, error.code, error.message, error.next)
    }
  }
  const fromEnv = variable(env, 'PGPASSWORD')
  if (fromEnv !== null) return {from: 'environment', text: fromEnv}
  const passfile = given.passfile ?? variable(env, 'PGPASSFILE')
  return {from: 'pgpass', path: passfile === null ? join(homeOf(env), '.pgpass') : resolve(directory, passfile), key}
}
