/** Why an exchange brought no whole answer. */
export type FailureReason =
  /** The caller's signal. */
  | 'aborted'
  | 'timeout'
  /** No process listens there. */
  | 'refused'
  /** The name leads to no address. */
  | 'dns'
  /** A certificate is not trusted, or the other side does not trust ours. */
  | 'tls'
  /** The connection ended early. */
  | 'closed'
  | 'too-large'
  /** What came is no HTTP. */
  | 'not-http'
  /** Any other error of the network. */
  | 'unreachable'

const byCode: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  UND_ERR_SOCKET: 'closed',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too-large',
  EPROTO: 'tls',
}

/** OpenSSL's verification codes (`X509_V_ERR_…`), as node names them: `CERT_HAS_EXPIRED` … */
const isTls = (code: string) =>
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|INVALID_PURPOSE|HOSTNAME_)/.test(
    code,
  )

/** What undici's or node's error means. */
export function reasonOf(error: unknown): FailureReason {
  const {name, code, cause, errors} = error as Error & {code?: string; errors?: readonly unknown[]}
  // undici's parser: its errors do not always have a code.
  if (name === 'HTTPParserError') return 'not-http'
  if (code !== undefined && isTls(code)) return 'tls'
  const own = code === undefined ? undefined : byCode[code]
  // node tries every address of a name and gathers the errors; undici wraps the socket's own.
  const inner = errors?.[0] ?? cause
  if (inner !== undefined && inner !== error && (own === undefined || own === 'closed')) {
    const within = reasonOf(inner)
    return within === 'unreachable' ? (own ?? within) : within
  }
  return own ?? 'unreachable'
}
