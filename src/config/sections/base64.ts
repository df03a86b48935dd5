/**
 * Bytes of standard base64 with padding, as the original's Go decodes it: line breaks are skipped.
 * `null`: it is something else. Node's own decoder accepts anything, which would turn a plain
 * password into a wrong one without a word.
 */
export function decodeBase64(text: string): Buffer | null {
  const dense = text.replace(/[\r\n\t ]/g, '')
  const isBase64 = dense.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(dense)
  return isBase64 ? Buffer.from(dense, 'base64') : null
}

/**
 * As much as can be read of what was meant to be base64, to say what it is: padding may be missing,
 * the end cut off.
 */
export const decodeLossy = (text: string): string =>
  Buffer.from(text.replace(/[^A-Za-z0-9+/]/g, ''), 'base64').toString('latin1')
