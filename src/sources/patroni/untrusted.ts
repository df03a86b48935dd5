/**
 * A certificate may have been refused, ours or the other side's: the files are read again, since they
 * may have been renewed. From TLS 1.3 on, who refuses ours just ends the connection.
 */
export function isUntrusted(error: unknown): boolean {
  const {reason} = Object(error) as {reason?: unknown}
  return reason === 'tls' || reason === 'closed'
}
