import {stat} from 'node:fs/promises'
import {createSecureContext, type SecureContextOptions} from 'node:tls'
import type {Pem, TlsSettings} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import {readPlainFile} from '../../system/plain-file.ts'

/**
 * Certificate, key and authorities of a TLS listener; `path`: of their keys in the configuration.
 * Throws OperatorError where a file cannot be read, or the key does not belong to the certificate.
 */
export async function readCertificate(
  {cert, key, clientCa, clientCrl = null}: TlsSettings,
  path: string,
): Promise<SecureContextOptions> {
  const [certText, keyText, ca, crl] = await Promise.all(
    [cert, key, clientCa, clientCrl].map((pem) => (pem === null ? null : textOf(pem))),
  )
  const material = {
    ...(certText && {cert: certText}),
    ...(keyText && {key: keyText}),
    ...(ca && {ca}),
    ...(crl && {crl}),
    minVersion: 'TLSv1.2',
  } as const
  try {
    createSecureContext(material)
  } catch (error) {
    const next = `Give ${path} a certificate and its own private key.`
    throw new OperatorError(
      'TLS_MATERIAL',
      `${path}: Node.js rejects the certificate or its key (${(error as Error).message})`,
      next,
      {
        cause: error,
      },
    )
  }
  return material
}

async function textOf(pem: Pem): Promise<string> {
  if ('pem' in pem) return pem.pem
  try {
    return (await readPlainFile(pem.file)).toString('utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new OperatorError(
      'TLS_FILE',
      `${pem.file} cannot be read (${code})`,
      'Let the user of the daemon read this file.',
      {cause: error},
    )
  }
}

/**
 * A text that changes when one of the files changes. Polled, because fs.watch follows the inode, and
 * tools replace the files, links to them, or links to their folders.
 */
export async function stampOf({cert, key, clientCa, clientCrl = null}: TlsSettings): Promise<string> {
  const stamps = [cert, key, clientCa, clientCrl].map(async (pem) => {
    if (pem === null || 'pem' in pem) return ''
    try {
      const {ino, size, mtimeMs} = await stat(pem.file)
      return `${ino} ${size} ${mtimeMs}`
    } catch {
      return 'absent'
    }
  })
  return (await Promise.all(stamps)).join(', ')
}
