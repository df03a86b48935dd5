import {createHash, timingSafeEqual} from 'node:crypto'
import {stat} from 'node:fs/promises'
import type {Log} from '../core/ports.ts'
import {readPlainFile} from '../system/plain-file.ts'

/**
 * Characters. A shorter token can be guessed, or is a name whose token is missing from the line.
 */
const leastLength = 16

/**
 * The name that `tokens_file` gives to this token; `null`: the token is unknown, or the file cannot
 * be read. Each line holds `TOKEN` or `NAME TOKEN`; empty lines and `#` are skipped. Any other line
 * is ignored and never shown, because a part of it may be a token. A file that every user of the
 * machine can read holds no secrets, so none of its tokens counts. The file is read for each request, so
 * that a withdrawn token stops working at once.
 */
export async function ownerOfToken(token: string, path: string, log: Log): Promise<string | null> {
  let text: string
  try {
    if (((await stat(path)).mode & 0o004) !== 0) throw Object.assign(new Error(), {code: 'every user can read it'})
    text = (await readPlainFile(path)).toString('utf8')
  } catch (error) {
    log.error(
      {path},
      `tokens_file cannot be used (${(error as NodeJS.ErrnoException).code}); the daemon refuses every token`,
    )
    return null
  }
  let owner: string | null = null
  const odd: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/)
    const [known = '', name = 'token'] = words.toReversed()
    if (known === '' || line.trim().startsWith('#')) continue
    if (words.length > 2 || known.length < leastLength) odd.push(index + 1)
    // All tokens are compared, each in constant time, so that the duration reveals nothing.
    else if (isSame(token, known)) owner = name
  }
  if (owner === null && odd.length > 0)
    log.warn(
      {path},
      `tokens_file, line ${odd.join(', ')}: not "TOKEN" or "NAME TOKEN" with a token of at least ` +
        `${leastLength} characters; the daemon ignores the line`,
    )
  return owner
}

/** `timingSafeEqual` wants equal lengths; the digests have them. */
const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))
const digest = (text: string) => createHash('sha256').update(text).digest()
