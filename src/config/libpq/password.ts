import {OperatorError} from '../../core/errors.ts'
import {decodeBase64} from '../sections/tls/base64.ts'

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
 * The text of a base64 password. Throws OperatorError. The message continues the path, and never
 * quotes the value.
 */
export function decodePassword(encoded: string): string {
  const plain =
    'If the value is the password itself, add "password_encoding: plain". Else encode it: "printf %s … | base64 -w0".'
  const bytes = decodeBase64(encoded)
  if (bytes === null) throw new OperatorError('CONFIG_BASE64', 'is not base64', plain)
  let text: string
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes)
  } catch (cause) {
    throw new OperatorError('CONFIG_BASE64', 'is base64, but not of text', plain, {cause})
  }
  if (/[\r\n]$/.test(text)) {
    throw new OperatorError(
      'CONFIG_BASE64',
      'decodes to a text that ends in a line break',
      'Encode it with "printf %s …" instead of "echo".',
    )
  }
  if (/\p{Cc}/u.test(text)) throw new OperatorError('CONFIG_BASE64', 'is base64, but not of text', plain)
  return text
}
