import {OperatorError} from '../../core/errors.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {readFile} from '../../system/files.ts'
import {decodeBase64} from '../sections/base64.ts'
import {lookUpPassword, type PgpassKey} from './pgpass.ts'

/** Where a password comes from. `text` is a secret: it is shown nowhere. */
export type PasswordOrigin = Readonly<
  | {from: 'config' | 'environment'; text: string}
  | {from: 'password_file'; path: string}
  | {from: 'pgpass'; path: string}
>

const origins = new WeakMap<ConnectionSettings['password'], PasswordOrigin>()

/** How the password of a connection made by `loadConfig` is found, without finding it. */
export const originOf = (connection: ConnectionSettings): PasswordOrigin | null =>
  origins.get(connection.password) ?? null

/**
 * Files are read anew on each call, so that a rotated password is used at the next connection.
 * Rejects with OperatorError when a named file cannot be read.
 */
export function passwordFrom(origin: PasswordOrigin, key: PgpassKey): ConnectionSettings['password'] {
  const password = async () => {
    if (origin.from === 'password_file') return readPasswordFile(origin.path)
    return origin.from === 'pgpass' ? lookUpPassword(origin.path, key) : origin.text
  }
  origins.set(password, origin)
  return password
}

async function readPasswordFile(path: string): Promise<string | null> {
  try {
    // One line break at the end is the editor's, not the password's.
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '') || null
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new OperatorError(
      'CONFIG_PASSWORD_FILE',
      `the password file ${path} cannot be read (${code})`,
      'Give this user the right to read it.',
      {
        cause: error,
      },
    )
  }
}

/** A plain password of the file. Throws OperatorError. */
export function oneLine(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text
  throw new OperatorError(
    'CONFIG_VALUE',
    'contains a control character or a line break',
    'Write it on one line, or encode it with base64.',
  )
}

/**
 * The text behind a base64 password. Throws OperatorError whose message continues the path; it
 * never quotes the value.
 */
export function decodePassword(encoded: string): string {
  const plain =
    'If it is the password itself, add "password_encoding: plain"; else encode it with "printf %s … | base64 -w0".'
  const bytes = decodeBase64(encoded)
  if (bytes === null) throw new OperatorError('CONFIG_BASE64', 'is not base64', plain)
  let text: string
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes)
  } catch (cause) {
    throw new OperatorError('CONFIG_BASE64', 'is base64 of something that is no text', plain, {cause})
  }
  if (/[\r\n]$/.test(text)) {
    throw new OperatorError(
      'CONFIG_BASE64',
      'decodes to a text that ends in a line break',
      'Encode it with "printf %s …" instead of "echo".',
    )
  }
  if (/\p{Cc}/u.test(text)) throw new OperatorError('CONFIG_BASE64', 'is base64 of something that is no text', plain)
  return text
}
