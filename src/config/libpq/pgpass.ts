import {readFile, stat} from '../../system/files.ts'

/** What a line of the file is looked up by. */
export type PgpassKey = Readonly<{host: string; port: number; dbname: string; user: string}>

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
  if ((await pgpassFault(path)) !== null) return null
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

/** Why libpq ignores this file; `null`: it does not, or there is no such file. */
export async function pgpassFault(path: string): Promise<string | null> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return 'is not a plain file and is ignored'
    return process.platform !== 'win32' && (found.mode & 0o077) !== 0
      ? 'can be read by group or others and is ignored'
      : null
  } catch {
    return null
  }
}

/** At colons without a backslash; escapes are kept, because `\*` is a star and `*` is anything. */
const split = (line: string) => [...line.matchAll(/((?:\\.|[^:])*)(?::|$)/g)].map(([, field = '']) => field)
const literal = (field: string) => field.replace(/\\(.)/g, '$1')
