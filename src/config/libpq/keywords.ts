import type {RequiredAuth} from '../../core/settings.ts'
import {block, choice, flag, integer, scalar, text} from '../reading/scalar.ts'
import {describe} from '../reading/shape.ts'
import {parseRequireAuth} from './require-auth.ts'

const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

const seconds = () => integer(null, 0, 32_767)

/**
 * The keywords of libpq that have an effect here, with libpq's meaning (PostgreSQL documentation,
 * 34.1.2 "Parameter Key Words").
 */
export const keywords = {
  host: describe('host name, address, or a directory with a unix socket', text(null)),
  hostaddr: describe('connect here instead of resolving host', text(null)),
  port: describe('default 5432', integer(null, 1, 65_535)),
  user: describe("default $PGUSER, then the operating system's user", text(null)),
  password: describe('base64, unless password_encoding is plain', block()),
  passfile: describe('default $PGPASSFILE, then ~/.pgpass', text(null)),
  dbname: describe('default the name of the user', text(null)),
  sslmode: describe(
    'default prefer',
    choice(null, ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']),
  ),
  sslnegotiation: describe(
    'postgres (default): ask for TLS first; direct: begin with TLS at once, which needs PostgreSQL 17',
    choice(null, ['postgres', 'direct']),
  ),
  sslcertmode: describe(
    'allow (default): send the client certificate if the server asks; require: the server must ask; disable: never',
    choice(null, ['disable', 'allow', 'require']),
  ),
  ssl_min_protocol_version: describe('oldest version of TLS; default TLSv1.2', choice(null, tlsVersions)),
  ssl_max_protocol_version: describe('latest version of TLS; default: no limit', choice(null, tlsVersions)),
  require_auth: describe(
    'what the server may ask for: scram-sha-256, md5, password, none; or !password for all but that',
    scalar<RequiredAuth | null>(null, {type: 'string'}, parseRequireAuth),
  ),
  channel_binding: describe(
    'require: the login is bound to the TLS of the server (SCRAM-SHA-256-PLUS); default prefer',
    choice(null, ['disable', 'prefer', 'require']),
  ),
  sslrootcert: describe('file with the authorities to trust, or system', text(null)),
  sslcert: describe('file with the client certificate of pgroute66', text(null)),
  sslkey: describe('file with the key of that certificate', text(null)),
  sslpassword: describe('password of that key; plain, not base64', text(null)),
  sslcrl: describe('file with revoked certificates', text(null)),
  sslcrldir: describe('folder of such files, named by "openssl rehash"', text(null)),
  sslsni: describe('name the host to the server in the TLS handshake (SNI); default true', flag(null)),
  requirepeer: describe('not supported over a unix socket; without effect over TCP, as in libpq', text(null)),
  connect_timeout: describe('seconds, instead of probe.connect_timeout; 0: that one', seconds()),
  keepalives: describe('0: no TCP keepalive; default 1', integer(null, 0, 1)),
  keepalives_idle: describe('seconds without data before the first keepalive; default 10', seconds()),
  keepalives_interval: describe("seconds between keepalives; default the kernel's", seconds()),
  keepalives_count: describe("keepalives without an answer that end the connection; default the kernel's", seconds()),
  application_name: describe('default pgroute66', text(null)),
  fallback_application_name: describe('application_name, where none is given', text(null)),
  options: describe('command-line options for the server', text(null)),
}
export type Keyword = keyof typeof keywords

/** sslsni is 0 or 1 in libpq. */
export const flagOfDigit: Readonly<Record<string, string>> = {'0': 'false', '1': 'true'}

/** Known to libpq, without effect here; none of them would make the connection stricter. */
export const idleKeywords = [
  'authtype',
  'client_encoding',
  'gssdelegation',
  'gsslib',
  'krbsrvname',
  'load_balance_hosts',
  'sslcompression',
  'sslkeylogfile',
  'target_session_attrs',
  'tcp_user_timeout',
  'tty',
]

/** Keys of pgx, the driver of the original, and of its pool. Files of the original load unchanged. */
export const pgxKeys = [
  'default_query_exec_mode',
  'description_cache_capacity',
  'pool_health_check_period',
  'pool_max_conn_idle_time',
  'pool_max_conn_lifetime',
  'pool_max_conn_lifetime_jitter',
  'pool_max_conns',
  'pool_min_conns',
  'pool_min_idle_conns',
  'prefer_simple_protocol',
  'statement_cache_capacity',
  'statement_cache_mode',
]

const instead: Readonly<Record<string, string>> = {
  target_session_attrs: 'Remove it: every host is watched, whatever its role.',
  load_balance_hosts: 'Remove it: every host is watched.',
  tcp_user_timeout: 'Remove it: probe.timeout ends a connection that does not answer.',
  sslkeylogfile: 'Remove it: no keys are written.',
}

/** What to report of a key that is accepted and ignored. `null`: the key is not ignored. */
export function idleKey(key: string): Readonly<{message: string; next: string}> | null {
  if (pgxKeys.includes(key))
    return {message: 'has no effect here: pgroute66 keeps one connection, and no pool', next: 'Remove it.'}
  if (!idleKeywords.includes(key)) return null
  return {message: 'is a libpq keyword that has no effect here', next: instead[key] ?? 'Remove it.'}
}
