/** How a load balancer names a server. `null`: it did not say. */
export type ServerName = Readonly<{name: string | null; address: string | null; port: number | null}>

/** `10.0.0.1:5432`; IPv6 in brackets. */
export const placeText = (address: string, port: number): string =>
  `${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${port}`

/**
 * A server in one word: `host1`, or `host1@10.0.0.1:5432` with IPv6 in brackets. `null`: neither.
 */
export function readServer(text: string): ServerName | null {
  const [, name, bracketed, plain, port] =
    /^([\w.-]{1,63})(?:@(?:\[([^\]\s]+)\]|([^\s:@[\]]+)):(\d{1,5}))?$/.exec(text) ?? []
  if (name === undefined) return null
  return {name, address: bracketed ?? plain ?? null, port: port === undefined ? null : Number(port)}
}
