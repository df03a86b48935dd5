/** The target of a request, taken apart as Patroni does (urlparse, parse_qs). */
export type RequestTarget = Readonly<{
  /** As it was sent, not decoded. */
  path: string
  /** The first value of each key; a key without a value is not there. */
  query: ReadonlyMap<string, string>
}>

export function readTarget(url: string): RequestTarget {
  // A proxy sends the absolute form (RFC 9112, 3.2.2).
  const [path = '', ...rest] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?')
  const query = new Map<string, string>()
  for (const [key, value] of new URLSearchParams(rest.join('?')))
    if (value !== '' && !query.has(key)) query.set(key, value)
  return {path: path === '' ? '/' : path, query}
}
