import type {EventEmitter} from 'node:events'
import type {Socket} from 'node:net'
import type {Client} from 'pg'
import type {AuthenticationGate} from './gate.ts'

/** What the server did that no pg error tells. */
export type Guard = {
  /** The gate's reason for the end of the login. */
  refusal: string | null
  /** The server sent bytes that are not the protocol. */
  isAlien: boolean
}

type Message = Readonly<{name?: string; severity?: unknown; mechanisms?: readonly string[]}>

/**
 * Puts the gate between the server's messages and pg's listeners. pg has no hook for it: it answers
 * any request for a password, also a second one, and throws out of the socket's event where it cannot
 * parse a message. (Seen: AuthenticationGSS, one message, ended the process.) Call it before
 * `client.connect`; `watchReads` right after.
 */
export function guard(client: Client, gate: AuthenticationGate): Guard {
  const {connection} = client as unknown as {connection: EventEmitter}
  const found: Guard = {refusal: null, isAlien: false}
  const emit = connection.emit.bind(connection)
  let isOver = false
  connection.emit = (event: string, ...given: unknown[]) => {
    const message = given[0] as Message | undefined
    if (event === 'error') isOver = true
    // pg makes an error without severity of a type of message that it does not know.
    if (event === 'errorMessage' && message?.severity === undefined) found.isAlien = true
    const refusal = gate.hear({...message, name: event})
    // After an error, such as a wrong proof, no message of the login reaches pg.
    if (isOver && event.startsWith('authentication')) return true
    if (refusal === null) return emit(event, ...given)
    isOver = true
    found.refusal = refusal
    return emit('error', new Error(refusal))
  }
  return found
}

/** What pg's listener throws becomes an error of the connection, and the end of the socket. */
export function watchReads(client: Client, socket: Socket, isOurs: (listener: unknown) => boolean, found: Guard): void {
  const {connection} = client as unknown as {connection: EventEmitter}
  for (const listener of socket.listeners('data')) {
    if (isOurs(listener)) continue
    socket.off('data', listener)
    let isFirst = true
    socket.on('data', (chunk) => {
      try {
        if (isFirst && !mayBeFirst(chunk as Buffer)) throw new Error('alien')
        isFirst = false
        listener.call(socket, chunk)
      } catch (error) {
        found.isAlien = true
        const method = error instanceof Error ? /type (\d+)$/.exec(error.message)?.[1] : undefined
        found.refusal ??= method === undefined ? null : unsupported(method)
        connection.emit('error', error)
        socket.destroy()
      }
    })
  }
}

/**
 * The types with which a server begins, and a length that libpq would accept. An error may be a bare
 * text, which a postmaster sends that cannot fork.
 */
function mayBeFirst(chunk: Buffer): boolean {
  const type = String.fromCharCode(chunk[0] ?? 0)
  if (type === 'E') return true
  const length = chunk.length < 5 ? 4 : chunk.readInt32BE(1)
  return ['R', 'N', 'v'].includes(type) && length >= 4 && length <= 30_000
}

/** Numbers of AuthenticationGSS, AuthenticationSSPI and older ones (documentation, 55.7). */
const methods: Readonly<Record<string, string>> = {'2': 'Kerberos 5', '7': 'GSSAPI', '9': 'SSPI'}

const unsupported = (method: string) =>
  `the server asks for ${methods[method] ?? `authentication method ${method}`}, which pgroute66 does not have: ` +
  `use scram-sha-256 or cert for this role in pg_hba.conf`
