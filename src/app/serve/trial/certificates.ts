import type {X509Certificate} from 'node:crypto'
import {isIP} from 'node:net'
import {configuredCertificates} from '../../../config/certificates.ts'
import type {Pem} from '../../../config/config.ts'
import {certificatesIn} from '../../../system/pem-certificates.ts'
import {readPlainFile} from '../../../system/plain-file.ts'
import {errnoOf, type Findings, type Trial} from './findings.ts'

const dayMs = 24 * 3_600_000
/** A certificate that ends sooner earns a warning. */
const soonMs = 14 * dayMs

/** The dates and the names of the certificates that the daemon shows, and of those that it trusts. */
export const tryCertificates: Trial = async (config, findings) => {
  // Groups take what the top level says, so the path of a certificate does not name its section.
  const isOfGroups = (path: string) => /^(patroni|c[a-z]+_file of)/.test(path)
  const areGroupsClean = ['groups', 'patroni', 'peers', 'witness'].every((section) => findings.isClean(section))
  for (const {path, pem, bind} of configuredCertificates(config))
    if (isOfGroups(path) ? areGroupsClean : findings.isClean(path)) await tryFile(pem, path, bind, findings)
  for (const [tls, path] of [
    [config.ssl, 'ssl'],
    [config.localApi?.patroni?.ssl, 'local_api.patroni.ssl'],
    [config.grpc?.tls, 'grpc.tls'],
  ] as const)
    if (tls && 'file' in tls.key && findings.isClean(path)) await textOf(tls.key, `${path}.key_file`, findings)
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
  for (const [index, certificate] of certificatesIn(text).entries()) {
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
