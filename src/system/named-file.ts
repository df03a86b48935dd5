import {readFile} from 'node:fs/promises'
import {OperatorError} from '../core/errors.ts'

/** The text of a file that the operator named in a flag. Throws OperatorError: `CA_UNREADABLE` … */
export async function readNamed(path: string, what: 'CA' | 'TOKEN' | 'FILE'): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    throw new OperatorError(
      `${what}_UNREADABLE`,
      `${path} cannot be read (${code})`,
      'Name a file that exists and that this user may read.',
      {
        cause: error,
      },
    )
  }
}
