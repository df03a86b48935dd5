import {readFile, stat} from 'node:fs/promises'
import {createSecureContext, type SecureContextOptions} from 'node:tls'
import type {Pem, TlsSettings} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'

/**
 * What a TLS server is made of. Throws OperatorError where a file cannot be read, or the parts do
 * not belong together.
 */
export async function readCertificate({cert, key, clientCa}: TlsSettings): Promise<SecureContextOptions> {
  const [certText, keyText, caText] = await Promise.all([textOf(cert), textOf(key), clientCa && textOf(clientCa)])
  const material = {cert: certText, key: keyText, ...(caText !== null && {ca: caText}), minVersion: 'TLSv1.2'} as const
  try {
    createSecureContext(material)
  } catch (error) {
    const next = 'Give ssl a certificate and the key that it was made with.'
    throw new OperatorError('TLS_MATERIAL', `ssl: the certificate cannot be used (${(error as Error).message})`, next, {
      cause: error,
    })
  }
  return material
}

async function textOf(pem: Pem): Promise<string> {
  if ('pem' in pem) return pem.pem
  try {
    return await readFile(pem.file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new OperatorError(
      'TLS_FILE',
      `${pem.file} cannot be read (${code})`,
      'Give this user the right to read it.',
      {cause: error},
    )
  }
}

/**
 * What tells one state of the files from another. By looking at them, not by fs.watch: that follows
 * the inode, and tools replace files, links to them, or links to their folders.
 */
export async function stampOf({cert, key, clientCa}: TlsSettings): Promise<string> {
  const stamps = [cert, key, clientCa].map(async (pem) => {
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
