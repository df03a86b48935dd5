import type {PgpassKey} from '../../core/settings.ts'
import {readFile} from '../../system/files.ts'
import {ownerOnlyFault} from '../../system/owner-only.ts'

/**
 * Directories of default sockets, upstream's and Debian's. For a libpq that has one of them built
 * in, .pgpass calls it localhost; for another one, not.
 */
const defaultSocketDirectories = ['/tmp', '/var/run/postgresql', '/run/postgresql']

/**
 * The password that the file has for the connection; `null`: none. (PostgreSQL documentation, 34.16
 * "The Password File".) The pgpass package reads `process.env` by itself and prints to stderr; here
 * the file and the environment come from outside.
 */
export async function lookUpPassword(path: string, key: PgpassKey): Promise<string | null> {
  if ((await ownerOnlyFault(path)) !== null) return null
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch {
    return null
  }
  const hosts = [key.host, ...(defaultSocketDirectories.includes(key.host) ? ['localhost'] : [])]
  const wanted = [hosts, [String(key.port)], [key.dbname], [key.user]]
  for (const line of content.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const fields = split(line)
    if (
      fields.length >= 5 &&
      wanted.every((values, index) => fields[index] === '*' || values.includes(literal(fields[index] ?? '')))
    ) {
      return literal(fields[4] ?? '') || null
    }
  }
  return null
}

/** At colons without a backslash; escapes are kept, because `\*` is a star and `*` is anything. */
const split = (line: string) => [...line.matchAll(/((?:\\.|[^:])*)(?::|$)/g)].map(([, field = '']) => field)
const literal = (field: string) => field.replace(/\\(.)/g, '$1')
