import {createHash, timingSafeEqual} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import type {Log} from '../core/ports.ts'

/**
 * What is shorter can be guessed, and may be a name that stands alone because its token got lost.
 */
const leastLength = 16

/**
 * Whose token this is, by the file: a token per line, a name before it where one is wanted; empty
 * lines and `#` are skipped. Any other line is passed over, and never shown: a part of it may be a
 * token. Read for each question, so that a withdrawn token is withdrawn. `null`: nobody's, or the
 * file cannot be read.
 */
export async function ownerOfToken(token: string, path: string, log: Log): Promise<string | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    log.error({path}, `tokens_file cannot be read (${(error as NodeJS.ErrnoException).code}): every token is refused`)
    return null
  }
  let owner: string | null = null
  const odd: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/)
    const [known = '', name = 'token'] = words.toReversed()
    if (known === '' || line.trim().startsWith('#')) continue
    if (words.length > 2 || known.length < leastLength) odd.push(index + 1)
    // All are compared, each in the same time: how long it takes tells nothing.
    else if (isSame(token, known)) owner = name
  }
  if (owner === null && odd.length > 0)
    log.warn(
      {path},
      `tokens_file, line ${odd.join(', ')}: not "TOKEN" or "NAME TOKEN" with a token of at least ${leastLength} characters`,
    )
  return owner
}

/** `timingSafeEqual` wants equal lengths; the digests have them. */
const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))
const digest = (text: string) => createHash('sha256').update(text).digest()
