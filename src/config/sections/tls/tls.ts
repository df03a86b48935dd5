import {resolve} from 'node:path'
import type {Pem, TlsSettings} from '../../config.ts'
import type {Report} from '../../reading/report.ts'
import {block, text} from '../../reading/scalar.ts'
import {section} from '../../reading/section.ts'
import {describe, type Read} from '../../reading/shape.ts'
import {type Document, given, mask} from '../document.ts'
import {decodePem, kindOfPem, type PemKind, pemText} from './pem.ts'

const pairFields = {
  cert: describe('base64 of the certificate (chain) in PEM', block()),
  b64cert: describe('the same as cert', block()),
  cert_file: describe('file with the certificate (chain); read again when it changes', text(null)),
  key: describe('base64 of the private key in PEM', block()),
  b64key: describe('the same as key', block()),
  key_file: describe('file with the private key', text(null)),
}
/** For a listener that takes no orders, and so has no use for certificates of clients. */
export const pairShape = describe('HTTPS; without it, plain HTTP', section(pairFields))
export const sslShape = describe(
  'HTTPS; without it, plain HTTP',
  section({
    ...pairFields,
    client_ca: describe('base64 of the authorities whose client certificates may drain and accept', block()),
    client_ca_file: describe('file with those authorities', text(null)),
    client_crl_file: describe('file with the client certificates that they have revoked; needs client_ca', text(null)),
  }),
)
export type SslFields = Read<typeof sslShape>

type PairFields = Read<typeof pairShape>

type Around = Readonly<{directory: string; report: Report}>

/** `at`: the path of the keys. `null`: refused, and reported. */
export async function tlsSettings(
  fields: SslFields | PairFields,
  at: string,
  {directory, report}: Around,
): Promise<TlsSettings | null> {
  const [certText, keyText] = [fields.cert ?? fields.b64cert, fields.key ?? fields.b64key]
  const isSwapped =
    certText !== null &&
    keyText !== null &&
    kindOfPem(certText) === 'private key' &&
    kindOfPem(keyText) === 'certificate'
  if (isSwapped) {
    const message = `${at}.cert holds a private key and ${at}.key holds a certificate: they are swapped`
    report.refuse(at, 'CONFIG_PEM_SWAPPED', `is refused: ${message}`, 'Swap the two values.')
    return null
  }
  const all: SslFields = {client_ca: null, client_ca_file: null, client_crl_file: null, ...fields}
  const pick = (keys: readonly (keyof SslFields)[], kind: PemKind, isRequired: boolean): Pem | null => {
    const [first, ...more] = keys.filter((key) => all[key] !== null)
    if (more.length > 0)
      report.refuse(at, 'CONFIG_CONFLICT', `has both ${first} and ${more.join(', ')}`, 'Keep one of them.')
    const value = first === undefined ? null : all[first]
    if (first === undefined || value === null) {
      if (isRequired && report.isClean(at))
        report.refuse(`${at}.${keys[0]}`, 'CONFIG_MISSING', 'is missing', `Set ${keys[0]} or ${keys.at(-1)}.`)
      return null
    }
    return first.endsWith('_file')
      ? {file: resolve(directory, value)}
      : decodePem(value, kind, `${at}.${first}`, report)
  }
  const cert = pick(['cert', 'b64cert', 'cert_file'], 'certificate', true)
  const key = pick(['key', 'b64key', 'key_file'], 'private key', true)
  const clientCa = pick(['client_ca', 'client_ca_file'], 'certificate', false)
  if (cert === null || key === null) return null
  const {client_crl_file: crl} = all
  if (crl !== null && clientCa === null)
    report.refuse(
      `${at}.client_crl_file`,
      'CONFIG_CONFLICT',
      'needs client_ca',
      'Set client_ca_file, or remove this key.',
    )
  const settings = {cert, key, clientCa, ...(crl !== null && {clientCrl: {file: resolve(directory, crl)}})}
  await examine(settings, at, report)
  return settings
}

/** Reports files or texts that do not parse, and a key that does not belong to the certificate. */
async function examine(
  {cert, key, clientCa, clientCrl = null}: TlsSettings,
  top: string,
  report: Report,
): Promise<void> {
  // Takes 10 ms to load, and only HTTPS needs it.
  const {X509Certificate, createPrivateKey} = await import('node:crypto')
  const {createSecureContext} = await import('node:tls')
  const parse = async <T>(
    pem: Pem | null,
    at: string,
    kind: PemKind,
    parser: (text: string) => T,
  ): Promise<T | null> => {
    const path = pem !== null && 'file' in pem ? `${top}.${at}_file` : `${top}.${at}`
    const content = pem && (await pemText(pem, path, report))
    if (content === null) return null
    const found = kindOfPem(content)
    try {
      if (found === kind) return parser(content)
    } catch {
      // OpenSSL's messages ("asn1 encoding routines …") do not help the operator, who has to do the
      // same after all of them.
    }
    const message =
      found !== null && found !== kind ? `holds a ${found}, not a ${kind}` : `does not hold a ${kind} that can be used`
    const next = kind === 'private key' ? 'Use an unencrypted key in PEM.' : `Use a ${kind} in PEM.`
    report.refuse(path, 'CONFIG_PEM', message, next)
    return null
  }
  const certificate = await parse(cert, 'cert', 'certificate', (content) => new X509Certificate(content))
  const privateKey = await parse(key, 'key', 'private key', (content) => createPrivateKey(content))
  await parse(clientCa, 'client_ca', 'certificate', (content) => new X509Certificate(content))
  await parse(clientCrl, 'client_crl', 'revocation list', (crl) => createSecureContext({crl}))
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey)) {
    report.refuse(
      top,
      'CONFIG_PEM_MISMATCH',
      'has a certificate and a key that do not belong together',
      'Use the key that the certificate was made with.',
    )
  }
}

/** As `config show` prints it: the text of a certificate is masked too, because the key stands beside it. */
export const tlsDocument = ({cert, key, clientCa, clientCrl}: TlsSettings): Document =>
  given({
    ...printed('cert', cert),
    ...printed('key', key),
    ...(clientCa ? printed('client_ca', clientCa) : {}),
    ...(clientCrl ? printed('client_crl', clientCrl) : {}),
  })

const printed = (key: string, pem: Pem): Document => ('file' in pem ? {[`${key}_file`]: pem.file} : {[key]: mask})
