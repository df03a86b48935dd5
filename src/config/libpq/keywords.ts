import {block, choice, flag, integer, text} from '../reading/scalar.ts'
import {describe} from '../reading/shape.ts'

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
  sslrootcert: describe('file with the authorities to trust, or system', text(null)),
  sslcert: describe('file with the client certificate of pgroute66', text(null)),
  sslkey: describe('file with the key of that certificate', text(null)),
  sslcrl: describe('file with revoked certificates', text(null)),
  sslsni: describe('name the host to the server in the TLS handshake (SNI); default true', flag(null)),
  application_name: describe('default pgroute66', text(null)),
  options: describe('command-line options for the server', text(null)),
}
export type Keyword = keyof typeof keywords

/** sslsni is 0 or 1 in libpq. */
export const flagOfDigit: Readonly<Record<string, string>> = {'0': 'false', '1': 'true'}

/**
 * Known to libpq, without effect here. For a keyword that would have made the connection stricter,
 * `instead` names what to use.
 */
export const idleKeywords = [
  'authtype',
  'channel_binding',
  'client_encoding',
  'connect_timeout',
  'fallback_application_name',
  'gssdelegation',
  'gssencmode',
  'gsslib',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'krbsrvname',
  'load_balance_hosts',
  'max_protocol_version',
  'min_protocol_version',
  'oauth_client_id',
  'oauth_client_secret',
  'oauth_issuer',
  'oauth_scope',
  'replication',
  'require_auth',
  'requirepeer',
  'requiressl',
  'scram_client_key',
  'scram_server_key',
  'ssl_max_protocol_version',
  'ssl_min_protocol_version',
  'sslcertmode',
  'sslcompression',
  'sslcrldir',
  'sslkeylogfile',
  'sslnegotiation',
  'sslpassword',
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
  connect_timeout: 'Set probe.connect_timeout, and remove this.',
  target_session_attrs: 'Remove it: every host is watched, whatever its role.',
  load_balance_hosts: 'Remove it: every host is watched.',
  channel_binding: 'Use sslmode: verify-full to be sure of the server.',
  requirepeer: 'Protect the directory of the socket instead.',
  requiressl: 'Use sslmode: require.',
  require_auth: 'Use sslmode: verify-full to be sure of the server.',
}

/** What to report of a key that is accepted and ignored. `null`: the key is not ignored. */
export function idleKey(key: string): Readonly<{message: string; next: string}> | null {
  if (pgxKeys.includes(key))
    return {message: 'has no effect here: pgroute66 keeps one connection, and no pool', next: 'Remove it.'}
  if (!idleKeywords.includes(key)) return null
  return {message: 'is a libpq keyword that has no effect here', next: instead[key] ?? 'Remove it.'}
}
