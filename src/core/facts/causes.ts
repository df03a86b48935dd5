import type {Cause} from '../vocabulary.ts'

/**
 * SQLSTATE -> cause (PostgreSQL documentation, appendix A). A class of two characters stands for
 * all of its codes that have no row of their own. Codes only: message texts are localised and are
 * never matched.
 */
const sqlstates: Readonly<Record<string, Cause>> = {
  '28': 'auth',
  // A database that is not there, a database or function that we may not use: as with a password,
  // ours to mend, and the host cannot be judged.
  '3D000': 'auth',
  '42501': 'auth',
  '53300': 'too-many-connections',
  // Cancelled: by statement_timeout, or by somebody. Nothing was learned, and the session goes on.
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
  // A unix socket that is not there: the postmaster removes its file when it stops.
  ENOENT: 'refused',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  ETIMEDOUT: 'timeout',
  // A unix socket answers this - and does not wait - when the backlog of a postmaster that no
  // longer accepts is full.
  EAGAIN: 'timeout',
  // Nothing was heard from the host itself: a router said so, or its neighbour. The host may be
  // alive, so this is no refusal.
  EHOSTUNREACH: 'timeout',
  EHOSTDOWN: 'timeout',
  ENETUNREACH: 'timeout',
  ENETDOWN: 'timeout',
  // A unix socket that we may not open.
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
const tlsCode =
  /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/

export const causeOfSqlstate = (code: string): Cause => sqlstates[code] ?? sqlstates[code.slice(0, 2)] ?? 'error'

export const causeOfErrno = (code: string): Cause => errnos[code] ?? (tlsCode.test(code) ? 'tls' : 'error')
