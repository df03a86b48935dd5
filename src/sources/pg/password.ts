import {OperatorError} from '../../core/errors.ts'
import type {PasswordSource} from '../../core/settings.ts'
import {lookUpPassword} from './pgpass.ts'

/**
 * The password that a source holds now; `null`: none. Called once per connection: files are read
 * anew, so a rotated password is used at the next connection. Rejects with OperatorError when a
 * named password file cannot be read.
 */
export async function readPassword(source: PasswordSource): Promise<string | null> {
  switch (source.from) {
    case 'config':
    case 'environment':
      return source.text
    case 'password_file':
      return readPasswordFile(source.path)
    case 'pgpass':
      return lookUpPassword(source.path, source.key)
    case 'none':
      return null
  }
}

async function readPasswordFile(path: string): Promise<string | null> {
  try {
    // The editor writes one line break at the end; it is no part of the password.
    const {readPlainFile} = await import('../../system/plain-file.ts')
    return (await readPlainFile(path)).toString('utf8').replace(/\r?\n$/, '') || null
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new OperatorError(
      'CONFIG_PASSWORD_FILE',
      `the password file ${path} cannot be read (${code})`,
      'Give this user the right to read it.',
      {cause: error},
    )
  }
}
