import type {Cause} from '../vocabulary.ts'

/**
 * SQLSTATE -> cause (PostgreSQL documentation, appendix A). A class of two characters stands for
 * all of its codes that have no row of their own. Codes only: message texts are localised and are
 * never matched.
 */
const sqlstates: Readonly<Record<string, Cause>> = {
  '28': 'auth',
  // The database does not exist, or our role may not use it or a function. As with a wrong
  // password, the operator can fix it here, and the host cannot be judged.
  '3D000': 'auth',
  '42501': 'auth',
  '53300': 'too-many-connections',
  // Cancelled by statement_timeout or by another session. Nothing was learned, and the session
  // continues.
  '57014': 'timeout',
  '57P01': 'closed',
  '57P02': 'closed',
  '57P03': 'not-accepting',
  '57P04': 'closed',
  '57P05': 'closed',
  '25P03': 'closed',
  '08003': 'closed',
  '08006': 'closed',
}

/** errno (and what node and c-ares use in its place) -> cause. */
const errnos: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: 'refused',
  // The unix socket does not exist: the postmaster removes its file when it stops.
  ENOENT: 'refused',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  ETIMEDOUT: 'timeout',
  // A connect to a unix socket fails with this at once when the backlog is full, because the
  // postmaster no longer accepts.
  EAGAIN: 'timeout',
  // A router or a neighbour reports this, and not the host itself. The host may be alive, so this
  // is no refusal.
  EHOSTUNREACH: 'timeout',
  EHOSTDOWN: 'timeout',
  ENETUNREACH: 'timeout',
  ENETDOWN: 'timeout',
  // The process may not open the unix socket.
  EACCES: 'auth',
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  ENONAME: 'dns',
  EBADNAME: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  EPROTO: 'tls',
}

/**
 * What OpenSSL and node call the failures of a handshake or of a certificate (node's documentation,
 * "X509 certificate error codes").
 */
const tlsCodes = [
  ...['ERR_SSL_', 'ERR_TLS_', 'ERR_OSSL_', 'CERT_', 'CRL_', 'UNABLE_TO_', 'ERROR_IN_C', 'SELF_SIGNED_'],
  ...['DEPTH_ZERO_', 'INVALID_', 'PATH_LENGTH_', 'HOSTNAME_MISMATCH'],
]
const isTlsCode = (code: string): boolean => tlsCodes.some((start) => code.startsWith(start))

export const causeOfSqlstate = (code: string): Cause => sqlstates[code] ?? sqlstates[code.slice(0, 2)] ?? 'error'

export const causeOfErrno = (code: string): Cause => errnos[code] ?? (isTlsCode(code) ? 'tls' : 'error')
