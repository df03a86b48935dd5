/**
 * Bytes of standard base64 with padding. Line breaks are skipped, as in the original's Go. `null`: the
 * text is not base64. Node's own decoder accepts any text: it would silently make a wrong password
 * of a plain one.
 */
export function decodeBase64(text: string): Buffer | null {
  const dense = text.replace(/[\r\n\t ]/g, '')
  const isBase64 = dense.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(dense)
  return isBase64 ? Buffer.from(dense, 'base64') : null
}

/**
 * What can be decoded of a damaged base64 text, to tell a certificate from a key: its padding may be
 * missing, or its end cut off.
 */
export const decodeLossy = (text: string): string =>
  Buffer.from(text.replace(/[^A-Za-z0-9+/]/g, ''), 'base64').toString('latin1')
