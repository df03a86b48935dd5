import {X509Certificate} from 'node:crypto'
import {isIP} from 'node:net'
import type {Pem, TlsSettings} from '../../../config/config.ts'
import {readPlainFile} from '../../../system/plain-file.ts'
import {errnoOf, type Findings, type Trial} from './findings.ts'

const dayMs = 24 * 3_600_000
/** A certificate that ends sooner earns a warning. */
const soonMs = 14 * dayMs

/** The dates and the names of the certificates that the daemon shows, and of those that it trusts. */
export const tryCertificates: Trial = async (config, findings) => {
  const patroni = config.localApi?.patroni ?? null
  if (config.ssl !== null && findings.isClean('ssl')) await tryTls(config.ssl, 'ssl', config.bind, findings)
  if (patroni?.ssl && findings.isClean('local_api'))
    await tryTls(patroni.ssl, 'local_api.patroni.ssl', patroni.bind, findings)
  if (config.grpc?.tls && findings.isClean('grpc'))
    await tryTls(config.grpc.tls, 'grpc.tls', config.grpc.bind, findings)
  for (const {name, connection} of findings.isClean('hosts') ? config.hosts : [])
    for (const key of ['sslcert', 'sslrootcert'] as const) {
      const file = connection[key]
      if (file !== null && file !== 'system') await tryFile({file}, `hosts.${name}.${key}`, null, findings)
    }
}

async function tryTls({cert, key, clientCa}: TlsSettings, path: string, bind: string, findings: Findings) {
  await tryFile(cert, `${path}.${'file' in cert ? 'cert_file' : 'cert'}`, bind, findings)
  if ('file' in key) await textOf(key, `${path}.key_file`, findings)
  if (clientCa !== null)
    await tryFile(clientCa, `${path}.${'file' in clientCa ? 'client_ca_file' : 'client_ca'}`, null, findings)
}

async function textOf(pem: Pem, path: string, findings: Findings): Promise<string | null> {
  if ('pem' in pem) return pem.pem
  try {
    return (await readPlainFile(pem.file)).toString('utf8')
  } catch (error) {
    findings.unusable(path, 'TLS_FILE', pem.file, errnoOf(error))
    return null
  }
}

/** `bind`: the address that clients may ask for; `null`: the certificate is of no server. */
async function tryFile(pem: Pem, path: string, bind: string | null, findings: Findings): Promise<void> {
  const text = await textOf(pem, path, findings)
  if (text === null) return
  for (const [index, block] of (
    text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  ).entries()) {
    const certificate = parsed(block)
    if (certificate === null) continue
    tellDates(certificate, path, findings)
    if (index === 0 && bind !== null && isIP(bind) !== 0 && !isAnyOrLoopback(bind) && !certificate.checkIP(bind))
      findings.warn(
        path,
        `is not made out to ${bind}, the address in bind`,
        'Clients that connect by that address refuse it: add the address to its alternative names.',
      )
  }
}

const isAnyOrLoopback = (bind: string) => ['0.0.0.0', '::', '::1'].includes(bind) || bind.startsWith('127.')

function parsed(block: string): X509Certificate | null {
  try {
    return new X509Certificate(block)
  } catch {
    // What cannot be parsed was refused when the configuration was read.
    return null
  }
}

function tellDates({validFromDate, validToDate}: X509Certificate, path: string, findings: Findings): void {
  const now = Date.now()
  if (validToDate.getTime() <= now)
    findings.refuse(path, 'CERTIFICATE_DATE', `has expired (${validToDate.toISOString()})`, 'Renew the certificate.')
  else if (validFromDate.getTime() > now)
    findings.refuse(
      path,
      'CERTIFICATE_DATE',
      `is not valid before ${validFromDate.toISOString()}`,
      'Check the clock of this machine, or issue the certificate anew.',
    )
  else if (validToDate.getTime() - now < soonMs)
    findings.warn(path, `expires soon (${validToDate.toISOString()})`, 'Renew the certificate before that day.')
}
