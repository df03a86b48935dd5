import {createHmac} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'

const longestSecret = 65_536

/**
 * `X-Pgroute66-Signature`: HMAC-SHA256 over `TIMESTAMP.BODY`, with the value of
 * `X-Pgroute66-Timestamp` (seconds since 1970) and the bytes of the body. The receiver computes the
 * same, compares in constant time, and refuses old timestamps: so nobody can repeat what he has
 * overheard.
 */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`

/**
 * Read for each try, so that a renewed secret is used; one newline at the end is the editor's.
 * Throws what the file system says, or a problem.
 */
export async function readSecret(path: string): Promise<string> {
  // A pipe would hold one of the few threads that also look up names, for as long as nobody writes
  // to it.
  const info = await stat(path)
  if (!info.isFile() || info.size > longestSecret) throw new Error('it is no file of at most 64 KiB')
  const secret = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  if (secret === '') throw new Error('it is empty')
  return secret
}
