import type {ConnectionSettings} from '../../core/settings.ts'

type Words = (to: ConnectionSettings) => string

const authority: Words = (to) =>
  `the server's certificate is not signed by an authority in ${to.sslrootcert ?? '~/.postgresql/root.crt'}: set sslrootcert to the right one`

/**
 * What to do next, per SQLSTATE or errno, for what is ours to mend. A sentence for an operator;
 * never a secret.
 */
const advice: Readonly<Record<string, Words>> = {
  '28P01': (to) =>
    `the password of user "${to.user}" is refused; one in the YAML file is read as base64, unless \`password_encoding: plain\` is set`,
  '28000': (to) =>
    `user "${to.user}" may not log in to database "${to.dbname}" from here: add a line to this host's pg_hba.conf, or check the role's LOGIN`,
  '3D000': (to) => `database "${to.dbname}" does not exist on this host: set \`dbname\` to one that does`,
  '42501': (to) =>
    `user "${to.user}" lacks a privilege: grant CONNECT on database "${to.dbname}", and pg_read_all_stats`,
  '53300': () =>
    'the server is up, but has no connection slot left for us: raise max_connections, or the connection limit of the role',
  ECONNREFUSED: (to) => `nothing listens on ${to.hostaddr ?? to.host} port ${to.port}`,
  ENOENT: (to) => `there is no socket .s.PGSQL.${to.port} in ${to.host}`,
  EACCES: (to) => `the socket in ${to.host} may not be opened by this process: check the rights of its directory`,
  EAGAIN: () => 'the socket takes no more connections: the postmaster does not accept',
  ENOTFOUND: (to) => `the name "${to.host}" does not resolve: check it, or give \`hostaddr\``,
  EAI_AGAIN: (to) => `the name "${to.host}" cannot be resolved now: check the resolver, or give \`hostaddr\``,
  ERR_TLS_CERT_ALTNAME_INVALID: (to) =>
    `the server's certificate is not made out to "${to.host}": use a name it carries as \`host\` (with \`hostaddr\` for the address), or sslmode verify-ca`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: authority,
  UNABLE_TO_GET_ISSUER_CERT: authority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: authority,
  SELF_SIGNED_CERT_IN_CHAIN: authority,
  DEPTH_ZERO_SELF_SIGNED_CERT: authority,
  CERT_HAS_EXPIRED: () => "the server's certificate has expired: renew it",
  CERT_REVOKED: () => "the server's certificate is revoked (sslcrl)",
}

/** `said`: the original words, kept in brackets after ours. */
export function adviceOf(code: string, to: ConnectionSettings, said: string): string {
  const words = advice[code]
  return words ? `${words(to)} (${said})` : said
}
