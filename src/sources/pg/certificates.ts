import * as fs from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import type {ConnectionSettings} from '../../core/settings.ts'
import {type PgFailure, pgFailure} from './failure.ts'

/**
 * The files that libpq would use, read anew per connection so that a renewed certificate is used at
 * once. `'system'`: the machine's trusted roots.
 */
export type Certificates = Readonly<{
  root: Buffer | 'system' | null
  cert: Buffer | null
  key: Buffer | null
  crl: Buffer | null
}>

/** Not node:fs/promises: a check would load that module for this one function. */
const readFile = promisify(fs.readFile)

const defaults = {
  sslrootcert: 'root.crt',
  sslcert: 'postgresql.crt',
  sslkey: 'postgresql.key',
  sslcrl: 'root.crl',
} as const
type Keyword = keyof typeof defaults

/**
 * A default file may be absent. A file that the configuration names must be readable. libpq goes on
 * without such a file, which turns a typo into an unverified connection.
 */
async function load(to: ConnectionSettings, keyword: Keyword): Promise<Buffer | null | PgFailure> {
  const named = to[keyword]
  const path = named ?? join(home(), '.postgresql', defaults[keyword])
  try {
    return await readOnce(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (named === null && (code === 'ENOENT' || code === 'ENOTDIR')) return null
    return pgFailure(
      'tls',
      `${keyword} ${path} cannot be read (${code}): correct the path, or let this process read the file`,
    )
  }
}

const underWay = new Map<string, Promise<Buffer>>()

/** Hosts that are dialled at the same time mostly use the same files. */
function readOnce(path: string): Promise<Buffer> {
  const reading = underWay.get(path) ?? readFile(path).finally(() => underWay.delete(path))
  underWay.set(path, reading)
  return reading
}

/** A uid without a passwd entry, as in a container, has no home: returns a path that does not exist. */
function home(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}

const isPgFailure = (value: object | null): value is PgFailure => value !== null && 'cause' in value

export async function certificatesOf(to: ConnectionSettings): Promise<Certificates | PgFailure> {
  const system = to.sslrootcert === 'system'
  // As in libpq: public authorities sign for everyone, so their signature proves nothing unless the
  // name is checked as well.
  if (system && to.sslmode !== 'verify-full')
    return pgFailure('tls', `sslmode ${to.sslmode} is too weak for sslrootcert=system: set sslmode to verify-full`)

  const root = system ? null : await load(to, 'sslrootcert')
  if (isPgFailure(root)) return root
  if (!system && root === null && to.sslmode.startsWith('verify-'))
    return pgFailure(
      'tls',
      `sslmode ${to.sslmode} needs an authority, and ~/.postgresql/root.crt does not exist: set sslrootcert`,
    )

  const cert = await load(to, 'sslcert')
  if (isPgFailure(cert)) return cert
  const key = cert === null ? null : await load(to, 'sslkey')
  if (isPgFailure(key)) return key
  if (cert !== null && key === null) return pgFailure('tls', 'the client certificate (sslcert) has no key: set sslkey')
  const crl = root === null ? null : await load(to, 'sslcrl')
  if (isPgFailure(crl)) return crl
  return {root: system ? 'system' : root, cert, key, crl}
}
