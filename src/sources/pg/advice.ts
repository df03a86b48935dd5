import type {ConnectionSettings} from '../../core/settings.ts'

type Advice = (to: ConnectionSettings) => string

const authority: Advice = (to) =>
  `no authority in ${to.sslrootcert ?? '~/.postgresql/root.crt'} has signed the server's certificate: ` +
  'set sslrootcert to the right file'

const wrongKeyPassword: Advice = (to) =>
  `the client key ${to.sslkey ?? '~/.postgresql/postgresql.key'} is encrypted, and ` +
  (to.sslpassword === null ? 'sslpassword is missing: set it' : 'sslpassword does not open it: correct it')

/**
 * What the operator should do next, per SQLSTATE or errno. Never contains a secret.
 */
const advice: Readonly<Record<string, Advice>> = {
  '28P01': (to) =>
    `the server refuses the password of user "${to.user}"; ` +
    `pgroute66 reads a password in the YAML file as base64, unless \`password_encoding: plain\` is set`,
  '28000': (to) =>
    `user "${to.user}" may not log in to database "${to.dbname}" from here: ` +
    `add a line to this host's pg_hba.conf, or check the role's LOGIN`,
  '3D000': (to) => `database "${to.dbname}" does not exist on this host: set \`dbname\` to one that does`,
  '42501': (to) =>
    `user "${to.user}" lacks a privilege: grant CONNECT on database "${to.dbname}", and pg_read_all_stats`,
  '53300': () =>
    'the server is up, but has no connection slot left for pgroute66: ' +
    'raise max_connections, or reserve some (reserved_connections, from PostgreSQL 16 on)',
  ECONNREFUSED: (to) => `nothing listens on ${to.hostaddr ?? to.host} port ${to.port}`,
  ENOENT: (to) => `there is no socket .s.PGSQL.${to.port} in ${to.host}`,
  EACCES: (to) => `this process may not open the socket in ${to.host}: check the permissions of the directory`,
  EAGAIN: () => 'the socket takes no more connections: the postmaster does not accept',
  ENOTFOUND: (to) => `the name "${to.host}" does not resolve: check the name, or give \`hostaddr\``,
  EAI_AGAIN: (to) => `the name "${to.host}" cannot be resolved now: check the resolver, or give \`hostaddr\``,
  ERR_TLS_CERT_ALTNAME_INVALID: (to) =>
    `the server's certificate is not made out to "${to.host}": ` +
    `set \`host\` to a name in the certificate (and \`hostaddr\` to the address), ` +
    `or use sslmode verify-ca`,
  ERR_OSSL_BAD_DECRYPT: wrongKeyPassword,
  ERR_MISSING_PASSPHRASE: wrongKeyPassword,
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: wrongKeyPassword,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: authority,
  UNABLE_TO_GET_ISSUER_CERT: authority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: authority,
  SELF_SIGNED_CERT_IN_CHAIN: authority,
  DEPTH_ZERO_SELF_SIGNED_CERT: authority,
  CERT_HAS_EXPIRED: () => "the server's certificate has expired: renew it",
  CERT_REVOKED: () => "the server's certificate is revoked (sslcrl): issue a new one",
}

/** `original`: the text of the server or of node, which follows the advice in brackets. */
export function adviceOf(code: string, to: ConnectionSettings, original: string): string {
  const adviceFor = advice[code]
  return adviceFor ? `${adviceFor(to)} (${original})` : original
}
