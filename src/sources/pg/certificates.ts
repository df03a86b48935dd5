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

/** node:fs/promises would be loaded for it alone. */
const readFile = promisify(fs.readFile)

const defaults = {
  sslrootcert: 'root.crt',
  sslcert: 'postgresql.crt',
  sslkey: 'postgresql.key',
  sslcrl: 'root.crl',
} as const
type Keyword = keyof typeof defaults

/**
 * A default file may be absent. One that is named must be readable: libpq goes on without it, which
 * turns a typo into an unverified connection.
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
      `${keyword} ${path} cannot be read (${code}): correct the path, or its rights for this process`,
    )
  }
}

const underWay = new Map<string, Promise<Buffer>>()

/** Hosts that are dialled at the same time mostly have the same files. */
function readOnce(path: string): Promise<Buffer> {
  const reading = underWay.get(path) ?? readFile(path).finally(() => underWay.delete(path))
  underWay.set(path, reading)
  return reading
}

/** A uid without a name, as in a container, has none: a folder that is not there. */
function home(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}

const isRefusal = (value: object | null): value is PgFailure => value !== null && 'cause' in value

export async function certificatesOf(to: ConnectionSettings): Promise<Certificates | PgFailure> {
  const system = to.sslrootcert === 'system'
  // As in libpq: public authorities sign for everybody, so without a check of the name they prove
  // nothing.
  if (system && to.sslmode !== 'verify-full')
    return pgFailure('tls', `sslmode ${to.sslmode} is too weak for sslrootcert=system: set sslmode to verify-full`)

  const root = system ? null : await load(to, 'sslrootcert')
  if (isRefusal(root)) return root
  if (!system && root === null && to.sslmode.startsWith('verify-'))
    return pgFailure(
      'tls',
      `sslmode ${to.sslmode} needs an authority to verify with, and ~/.postgresql/root.crt is not there: set sslrootcert`,
    )

  const cert = await load(to, 'sslcert')
  if (isRefusal(cert)) return cert
  const key = cert === null ? null : await load(to, 'sslkey')
  if (isRefusal(key)) return key
  if (cert !== null && key === null)
    return pgFailure('tls', 'there is a client certificate (sslcert) without its key: set sslkey')
  const crl = root === null ? null : await load(to, 'sslcrl')
  if (isRefusal(crl)) return crl
  return {root: system ? 'system' : root, cert, key, crl}
}
