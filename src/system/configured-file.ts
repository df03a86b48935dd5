import type {ErrorCode} from '../core/error-codes.ts'
import {OperatorError} from '../core/errors.ts'
import {readPlainFile} from './plain-file.ts'

/** The text of a file that the configuration names; `null`: it names none. Rejects with OperatorError. */
export async function textIn(file: string | null, code: ErrorCode = 'CONFIG_PEM'): Promise<string | undefined> {
  if (file === null) return undefined
  try {
    return (await readPlainFile(file)).toString('utf8')
  } catch (cause) {
    const fault = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    const next = 'Give the user that runs pgroute66 the right to read it.'
    throw new OperatorError(code, `${file} cannot be read (${fault})`, next, {cause})
  }
}

/** The same for a password, without the line break at its end. */
export const secretIn = async (file: string | null): Promise<string | undefined> =>
  (await textIn(file, 'CONFIG_PASSWORD_FILE'))?.replace(/\r?\n$/, '')
