import {createHash, createHmac, pbkdf2, randomBytes} from 'node:crypto'
import {promisify} from 'node:util'

/**
 * Stands in for pg's crypto/utils.js, with the same functions. That one asks WebCrypto, whose
 * loading and whose dozen turns through the thread pool take a login longer than everything else in
 * it. Only the derivation is left to a thread: the rest takes microseconds.
 */
export {randomBytes}

const derive = promisify(pbkdf2)

export const md5 = async (text: string | Buffer): Promise<string> => createHash('md5').update(text).digest('hex')

/** PostgreSQL's documentation, "Message Flow", AuthenticationMD5Password. */
export async function postgresMd5PasswordHash(user: string, password: string, salt: Buffer): Promise<string> {
  const inner = await md5(password + user)
  return `md5${await md5(Buffer.concat([Buffer.from(inner), salt]))}`
}

export const sha256 = async (data: Buffer): Promise<Buffer> => createHash('sha256').update(data).digest()

/** WebCrypto's names: "SHA-256". */
export const hashByName = async (name: string, data: Buffer): Promise<Buffer> =>
  createHash(name.replace(/^SHA-/, 'sha')).update(data).digest()

export const hmacSha256 = async (key: Buffer, message: string | Buffer): Promise<Buffer> =>
  createHmac('sha256', key).update(message).digest()

let latest: Readonly<{password: string; salt: Buffer; iterations: number; key: Promise<Buffer>}> | null = null

/**
 * The standbys of a primary have its salt, so that what takes milliseconds is the same for all of
 * them.
 */
export function deriveKey(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  if (latest?.password !== password || !latest.salt.equals(salt) || latest.iterations !== iterations)
    latest = {password, salt, iterations, key: derive(password, salt, iterations, 32, 'sha256')}
  return latest.key
}
