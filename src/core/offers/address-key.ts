/**
 * What two writings of one address have in common: addresses are compared parsed, never as text.
 * IPv6 has many writings, with brackets or without, and an IPv4 address may come mapped into it
 * (RFC 4291, 2.2 and 2.5.5.2). A name or the path of a socket is its own key; a name has no case.
 */
export function addressKey(text: string): string {
  const address = text.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (address.startsWith('/')) return text
  if (address.includes(':')) return ipv6Key(address.replace(/%.*$/, '')) ?? address
  return ipv4Bytes(address)?.join('.') ?? address.replace(/\.$/, '')
}

/** `null`: not an IPv4 address. */
function ipv4Bytes(text: string): readonly number[] | null {
  const bytes = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : []
  return bytes.length === 4 && bytes.every((byte) => byte <= 255) ? bytes : null
}

/** `null`: not an IPv6 address. */
function ipv6Key(text: string): string | null {
  const [head = '', tail, ...more] = text.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  if (before === null || after === null || more.length > 0) return null
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...before, ...Array<number>(missing).fill(0), ...after]
  const [high = 0, low = 0] = groups.slice(6)
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
    ? [high >> 8, high & 255, low >> 8, low & 255].join('.')
    : groups.map((group) => group.toString(16)).join(':')
}

/** The 16-bit groups of one side of `::`; the last two may be written as an IPv4 address. */
function groupsOf(text: string): readonly number[] | null {
  if (text === '') return []
  const groups: number[] = []
  for (const part of text.split(':')) {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(part) ?? []
    if (part.includes('.') && ipv4Bytes(part) !== null) groups.push(a * 256 + b, c * 256 + d)
    else if (/^[0-9a-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}
