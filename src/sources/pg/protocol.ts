/**
 * The parts of the frontend/backend protocol that pg does not offer (PostgreSQL documentation, 55.7
 * "Message Formats").
 */

/** Int32 length, Int32 80877103. */
export const sslRequest: Buffer = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/** Int32 length, protocol 3.0, then pairs of strings. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  const body = Buffer.from(`${pairs.join('')}\0`, 'utf8')
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196608, 4)
  return Buffer.concat([head, body])
}

export const terminate: Buffer = Buffer.from([0x58, 0, 0, 0, 4])

export type FirstReply =
  | Readonly<{kind: 'authentication'; ok: boolean}>
  | Readonly<{kind: 'error'; sqlstate: string | null; message: string}>
  | Readonly<{kind: 'alien'}>

/** The first message of the server's answer to a StartupMessage; `null`: more bytes are needed. */
export function firstReply(bytes: Buffer): FirstReply | null {
  const type = bytes[0]
  if (type === undefined) return null
  if (type !== 0x52 && type !== 0x45) return {kind: 'alien'}
  if (bytes.length < 5) return null
  const length = bytes.readInt32BE(1)
  // A postmaster that cannot fork answers `E` and a bare text, as in protocol 2: the "length" is
  // then four letters of the text.
  if (length < 8 || length > 30_000)
    return type === 0x45 ? {kind: 'error', sqlstate: null, message: text(bytes.subarray(1))} : {kind: 'alien'}
  if (bytes.length < length + 1) return null
  if (type === 0x52) return {kind: 'authentication', ok: bytes.readInt32BE(5) === 0}
  const fields = new Map<string, string>()
  for (const part of bytes.toString('utf8', 5, length + 1).split('\0'))
    if (part !== '') fields.set(part.charAt(0), part.slice(1))
  return {kind: 'error', sqlstate: fields.get('C') ?? null, message: fields.get('M') ?? ''}
}

const text = (bytes: Buffer): string => bytes.toString('utf8').replaceAll('\0', ' ').trim()
