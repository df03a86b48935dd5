import type {Pem} from '../../config.ts'
import type {Report} from '../../reading/report.ts'
import {decodeBase64, decodeLossy} from './base64.ts'

export type PemKind = 'certificate' | 'private key' | 'revocation list'

/**
 * The kind of a text that should be PEM or base64 of PEM. Looks for BEGIN alone, because the sample of
 * the original is cut off, and swapped too.
 */
export function kindOfPem(text: string): PemKind | null {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text.includes('-----BEGIN ') ? text : decodeLossy(text))?.[1]
  if (label === undefined) return null
  if (label.includes('PRIVATE KEY')) return 'private key'
  if (label === 'X509 CRL') return 'revocation list'
  return label.includes('CERTIFICATE') ? 'certificate' : null
}

/** Base64 from the file → PEM text. `null`: refused, and reported. No message quotes the value. */
export function decodePem(encoded: string, kind: PemKind, path: string, report: Report): Pem | null {
  const found = kindOfPem(encoded)
  if (found !== null && found !== kind) {
    report.refuse(
      path,
      'CONFIG_PEM',
      `holds a ${found}, not a ${kind}`,
      `Put the base64 of the ${kind}'s PEM file here.`,
    )
    return null
  }
  const encode = 'Make the value with "base64 -w0 FILE.pem", or name the file in the key that ends in _file.'
  if (encoded.includes('-----BEGIN ')) {
    report.refuse(path, 'CONFIG_BASE64', 'is PEM, not base64 of PEM', encode)
    return null
  }
  const bytes = decodeBase64(encoded)
  if (bytes === null) {
    report.refuse(path, 'CONFIG_BASE64', found === null ? 'is not base64' : 'is base64 that is cut off', encode)
    return null
  }
  if (found === null) {
    report.refuse(path, 'CONFIG_PEM', `is base64, but not of a ${kind} in PEM`, encode)
    return null
  }
  return {pem: bytes.toString('utf8')}
}

/**
 * The PEM text. `null`: a file that this user cannot read. That is a warning only, because `check`
 * runs as HAProxy's user; `serve` must be able to read the file.
 */
export async function pemText(pem: Pem, path: string, report: Report): Promise<string | null> {
  if ('pem' in pem) return pem.pem
  try {
    const {readPlainFile} = await import('../../../system/plain-file.ts')
    return (await readPlainFile(pem.file)).toString('utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    report.warn(path, `cannot be read by this user (${code})`, 'Give the user that runs "serve" the right to read it.')
    return null
  }
}
