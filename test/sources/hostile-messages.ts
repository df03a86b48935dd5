import type {Socket} from 'node:net'
import {scramServer} from '../support/scram-server.ts'

export const secret = 'a-secret-of-the-role'

export const message = (type: string, ...parts: readonly (Buffer | string | number)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? int(part) : Buffer.from(part))))
  return Buffer.concat([Buffer.from(type), int(body.length + 4), body])
}
export const int = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
export const ok = message('R', 0)
const ready = message('Z', 'I')
export const cleartext = message('R', 3)
export const md5 = message('R', 5, 'salt')
export const sasl = (...mechanisms: string[]) => message('R', 10, ...mechanisms.map((each) => `${each}\0`), '\0')
export const scram = sasl('SCRAM-SHA-256')
export const welcome = Buffer.concat([ok, message('K', 42, 1), ready])

/** What a server does with each chunk that it gets; the first is the StartupMessage. */
export type Hostile = (socket: Socket, chunk: Buffer, nth: number) => void
export const say =
  (bytes: Buffer): Hostile =>
  (socket, _chunk, nth) =>
    void (nth === 0 && socket.write(bytes))

export const endless =
  (bytes: Buffer): Hostile =>
  (socket, _chunk, nth) => {
    if (nth > 0) return
    const pour = () => !socket.destroyed && socket.write(bytes, () => setImmediate(pour))
    pour()
  }
export const drip =
  (bytes: Buffer): Hostile =>
  (socket, _chunk, nth) => {
    if (nth > 0) return
    let at = 0
    const next = () => {
      if (socket.destroyed || at >= bytes.length) return
      socket.write(bytes.subarray(at, ++at))
      setTimeout(next, 300).unref()
    }
    next()
  }
/** Goes through SCRAM as the owner of the password, but for what `instead` says. */
export const knowing = (instead: {password?: string; last?: (proof: string | null) => Buffer}): Hostile => {
  const own = scramServer(instead.password ?? secret)
  return (socket, chunk, nth) => {
    if (nth === 0) socket.write(scram)
    else if (nth === 1) socket.write(message('R', 11, own.challenge(chunk.toString('utf8').replace(/^.*?n,,/s, 'n,,'))))
    else if (nth === 2) {
      const proof = own.verdict(chunk.toString('utf8', 5))
      socket.write(instead.last ? instead.last(proof) : Buffer.concat([message('R', 12, proof ?? ''), welcome]))
    }
  }
}

/** Says `bytes` at once, and then what the other one says. */
export const first =
  (bytes: Buffer, other: Hostile): Hostile =>
  (socket, chunk, nth) => {
    if (nth === 0) socket.write(bytes)
    other(socket, chunk, nth)
  }
/** Lets the client in with `bytes`; the other one answers its first question. */
export const afterwards =
  (bytes: Buffer, other: Hostile): Hostile =>
  (socket, chunk, nth) => {
    if (nth === 0) socket.write(bytes)
    else other(socket, chunk, nth - 1)
  }
/** SCRAM up to the server's first message, which is made from the client's nonce. */
export const challenge = (of: (nonce: string) => string): Hostile =>
  afterwards(scram, (socket, chunk, nth) => {
    if (nth === 0) socket.write(message('R', 11, of(/r=([^,]+)/.exec(chunk.toString())?.[1] ?? '')))
  })
export const proofOf = (signature: Buffer): string => `v=${signature.toString('base64')}`
