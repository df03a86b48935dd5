import {createHmac} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'

const longestSecret = 65_536

/**
 * `X-Pgroute66-Signature`: HMAC-SHA256 over `TIMESTAMP.BODY`, with the value of
 * `X-Pgroute66-Timestamp` (seconds since 1970) and the bytes of the body. The receiver computes the
 * same, compares in constant time, and refuses old timestamps: so an attacker cannot replay a
 * request.
 */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`

/**
 * Reads the secret without the newline that editors add. Called for each try, so that a renewed
 * secret is used. Throws the error of the file system, or an Error with a problem.
 */
export async function readSecret(path: string): Promise<string> {
  // A pipe without a writer would block one of the few threads that also look up names.
  const info = await stat(path)
  if (!info.isFile() || info.size > longestSecret) throw new Error('not a file of at most 64 KiB')
  const secret = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  if (secret === '') throw new Error('empty file')
  return secret
}
