import {createHash, timingSafeEqual} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import type {Log} from '../core/ports.ts'

/**
 * Whose token this is, by the file: a token per line, a name before it where one is wanted; empty lines and `#` are skipped. Read for each question,
 * so that a withdrawn token is withdrawn. `null`: nobody's, or the file cannot be read.
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
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const known = words.at(-1) ?? ''
    if (known === '' || line.trim().startsWith('#')) continue
    // All are compared, each in the same time: how long it takes tells nothing.
    if (isSame(token, known)) owner = words.slice(0, -1).join(' ') || 'token'
  }
  return owner
}

/** `timingSafeEqual` wants equal lengths; the digests have them. */
const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))
const digest = (text: string) => createHash('sha256').update(text).digest()
