import {homedir} from 'node:os'
import {join} from 'node:path'
import type {ConnectionSettings} from '../../core/settings.ts'
import {readdir, stat} from '../../system/files.ts'
import {readPlainFile} from '../../system/plain-file.ts'
import {type PgFailure, pgFailure} from './failure.ts'

/**
 * The files that libpq would use, read anew per connection so that a renewed certificate is used at
 * once. `'system'`: the machine's trusted roots.
 */
export type Certificates = Readonly<{
  root: Buffer | 'system' | null
  cert: Buffer | null
  key: Buffer | null
  crl: readonly Buffer[] | null
}>

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
  const path = pathOf(to, keyword)
  try {
    return await readOnce(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (named === null && (code === 'ENOENT' || code === 'ENOTDIR')) return null
    return unreadable(keyword, path, code)
  }
}

const pathOf = (to: ConnectionSettings, keyword: Keyword): string =>
  to[keyword] ?? join(home(), '.postgresql', defaults[keyword])

const unreadable = (keyword: string, path: string, code: string): PgFailure =>
  pgFailure('tls', `${keyword} ${path} cannot be read (${code}): correct the path, or let this process read the file`)

/** libpq's rule for the key of a client certificate (PostgreSQL documentation, 34.19.2). */
async function keyFault(path: string): Promise<PgFailure | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  // It was there a moment ago. What happens to a file of ours is no word of the server.
  if (found instanceof Error) return unreadable('sslkey', path, found.code ?? 'unknown error')
  const {mode, uid} = found
  const tooMuch = uid === 0 ? 0o037 : 0o077
  if ((mode & tooMuch) === 0) return null
  const allowed = uid === 0 ? '0640 or less, because root owns it' : '0600 or less'
  return pgFailure('tls', `sslkey ${path} may be used by others (mode ${(mode & 0o777).toString(8)}): set ${allowed}`)
}

/**
 * The lists of revoked certificates. OpenSSL finds those in sslcrldir by the hash in their names;
 * here all that are named like it are read. Unlike libpq, a named list that cannot be read is a
 * failure.
 */
async function revocationLists(to: ConnectionSettings): Promise<readonly Buffer[] | null | PgFailure> {
  const single = to.sslcrldir !== null && to.sslcrl === null ? null : await load(to, 'sslcrl')
  if (isPgFailure(single)) return single
  if (to.sslcrldir === null) return single && [single]
  const folder = to.sslcrldir
  try {
    const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{8}\.r\d+$/.test(name)).toSorted()
    if (names.length === 0 && single === null)
      return pgFailure('tls', `sslcrldir ${folder} holds no revocation list: run "openssl rehash" there`)
    const lists = await Promise.all(names.map((name) => readOnce(join(folder, name))))
    return single === null ? lists : [single, ...lists]
  } catch (error) {
    const {path = folder, code = 'unknown error'} = error as NodeJS.ErrnoException
    return unreadable('sslcrldir', path, code)
  }
}

const underWay = new Map<string, Promise<Buffer>>()

/** Hosts that are dialled at the same time mostly use the same files. */
function readOnce(path: string): Promise<Buffer> {
  const reading = underWay.get(path) ?? readPlainFile(path).finally(() => underWay.delete(path))
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

const isPgFailure = (value: Buffer | readonly Buffer[] | PgFailure | null): value is PgFailure =>
  value !== null && 'cause' in value

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

  const cert = to.sslcertmode === 'disable' ? null : await load(to, 'sslcert')
  if (isPgFailure(cert)) return cert
  if (cert === null && to.sslcertmode === 'require')
    return pgFailure('tls', 'sslcertmode is require, and there is no client certificate: set sslcert and sslkey')
  const key = cert === null ? null : await load(to, 'sslkey')
  if (isPgFailure(key)) return key
  if (cert !== null && key === null) return pgFailure('tls', 'the client certificate (sslcert) has no key: set sslkey')
  const fault = key === null ? null : await keyFault(pathOf(to, 'sslkey'))
  if (fault !== null) return fault
  const crl = root === null && !system ? null : await revocationLists(to)
  if (isPgFailure(crl)) return crl
  return {root: system ? 'system' : root, cert, key, crl}
}
