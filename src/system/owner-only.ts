import {stat} from './files.ts'

/**
 * Why a file is not one that its owner alone may read: libpq ignores such a .pgpass. `null`: no
 * fault, or no such file. Windows has no such mode bits.
 */
export async function ownerOnlyFault(path: string): Promise<'not-a-file' | 'readable-by-others' | null> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return 'not-a-file'
    return process.platform !== 'win32' && (found.mode & 0o077) !== 0 ? 'readable-by-others' : null
  } catch {
    return null
  }
}
