import type {ServerName} from '../core/offers/server-name.ts'

/** What HAProxy says of a server in its header (its manual, "http-check send-state"). */
export type HaproxyServer = Readonly<{
  server: ServerName
  /** The HAProxy and its backend, as far as the header names them. */
  place: string
  /** HAProxy sends new sessions to the server. */
  isUp: boolean
  /** HAProxy sends new sessions to another server of the backend; `null`: the header does not tell. */
  isOtherUp: boolean | null
}>

/**
 * `UP 1/2; address=10.0.0.1; port=5432; name=backend/host1; node=lb1; weight=1/3; …`. `null`: the
 * header names no server.
 */
export function haproxyServer(header: string | readonly string[] | undefined): HaproxyServer | null {
  if (typeof header !== 'string') return null
  const [state = '', ...rest] = header.split(';')
  const fields = new Map(
    rest.map((field) => [field.slice(0, field.indexOf('=')).trim(), field.slice(field.indexOf('=') + 1).trim()]),
  )
  const [name, address, port] = [fields.get('name'), fields.get('address'), fields.get('port')]
  if (!name && !address) return null
  const slash = name?.lastIndexOf('/') ?? -1
  const isUp = state.trim().startsWith('UP')
  return {
    server: {
      name: name ? name.slice(slash + 1) : null,
      address: address || null,
      port: port && /^\d{1,5}$/.test(port) ? Number(port) : null,
    },
    place: `${fields.get('node') ?? ''} ${slash > 0 ? name?.slice(0, slash) : ''}`,
    isUp,
    isOtherUp: isOtherUp(isUp, fields.get('weight')),
  }
}

/** `weight=1/3`: of this server, which counts while it is up, and of all servers that are up. */
function isOtherUp(isUp: boolean, weight: string | undefined): boolean | null {
  const [, own, total] = /^(\d{1,9})\/(\d{1,9})$/.exec(weight ?? '') ?? []
  return own === undefined ? null : Number(total) > (isUp ? Number(own) : 0)
}
