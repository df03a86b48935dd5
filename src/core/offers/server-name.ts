/** How a load balancer names a server. `null`: it did not say. */
export type ServerName = Readonly<{name: string | null; address: string | null; port: number | null}>

/** `10.0.0.1:5432`; IPv6 in brackets. */
export const placeText = (address: string, port: number): string =>
  `${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${port}`

/**
 * An address of a host, which may have a port of its own (`10.0.0.1:6432`, `[fd00::1]:6432`): a pooler
 * or a NAT in front of the host. Else `port` is the host's.
 */
export function readPlace(text: string, port: number): Readonly<{address: string; port: number}> {
  const [, bracketed, plain, own] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain
  return address === undefined ? {address: text, port} : {address, port: Number(own)}
}

/** `host1@10.0.0.1:5432`: a host that an asker means, by one of its addresses (API: `host=`). */
export type MeantHost = Readonly<{name: string; address: string; port: number}>

export const meantText = ({name, address, port}: MeantHost): string => `${name}@${placeText(address, port)}`

/** Reads `meantText`. `null`: the text is something else. A name is HAProxy's: it may hold a colon. */
export function readMeant(text: string): MeantHost | null {
  const [, name, address, port] = /^([^@\s]+)@(.+):(\d{1,5})$/.exec(text) ?? []
  return name && address ? {name, address, port: Number(port)} : null
}

/**
 * A server in one word: `host1`, or `host1@10.0.0.1:5432` with IPv6 in brackets. `null`: neither.
 */
export function readServer(text: string): ServerName | null {
  const [, name, bracketed, plain, port] =
    /^([\w.-]{1,63})(?:@(?:\[([^\]\s]+)\]|([^\s:@[\]]+)):(\d{1,5}))?$/.exec(text) ?? []
  if (name === undefined) return null
  return {name, address: bracketed ?? plain ?? null, port: port === undefined ? null : Number(port)}
}
