import type {Socket} from 'node:net'
import {isIP} from 'node:net'
import type {ConnectionOptions, PeerCertificate, SecureContext, SecureContextOptions, TLSSocket} from 'node:tls'
import type {ConnectionSettings} from '../../core/settings.ts'
import type {Certificates} from './certificates.ts'

type Tls = typeof import('node:tls')

/**
 * libpq's sslmode as options of node (PostgreSQL documentation, 34.19.1). With a root file the
 * chain is verified in every mode: `require` is then the same as `verify-ca`. The name is verified
 * in `verify-full` alone. `verify` false: for a knock, which sends no secret and only asks whether
 * the postmaster lives.
 */
export function tlsOptions(tls: Tls, to: ConnectionSettings, files: Certificates, verify: boolean): ConnectionOptions {
  return {
    rejectUnauthorized: verify && files.root !== null,
    secureContext: contextOf(tls, to, verify ? files : {...files, crl: null}),
    ...(to.sslnegotiation === 'direct' ? {ALPNProtocols: [alpn]} : {}),
    // RFC 6066: a name, never an address.
    ...(to.sslsni && isIP(to.host) === 0 ? {servername: to.host} : {}),
    host: to.host,
    checkServerIdentity: (_host, peer) => (to.sslmode === 'verify-full' ? nameError(tls, to.host, peer) : undefined),
  }
}

/** The protocol that a server accepts in a handshake that begins at once (PostgreSQL 17). */
export const alpn = 'postgresql'

let areRootsForgone = false

/**
 * For a process that trusts only the authorities in its configuration. Otherwise node reads its own
 * 150 root certificates first, which costs a check 10 ms. Afterwards no other code in the process
 * may rely on node's roots.
 */
export function forgoRoots(): void {
  areRootsForgone = true
}

/**
 * The latest context. OpenSSL needs milliseconds to read certificates, and the hosts of a group
 * mostly use the same: a check has no time to read them three times.
 */
let latest: Readonly<{files: Certificates; limits: Limits; context: SecureContext}> | null = null

/** All but the files that a context is made of. */
type Limits = Pick<ConnectionSettings, 'tlsVersions' | 'sslpassword'>

/**
 * OpenSSL's own list in another order. Before version 18 PostgreSQL accepts P-256 alone by default
 * (ssl_ecdh_curve). With another curve first, the server has to ask for P-256, and every handshake
 * takes one more round trip. A server that prefers another curve still gets that curve.
 */
const curves = `P-256:X25519:${knowsMlKem(process.versions.openssl) ? 'X25519MLKEM768:' : ''}X448:P-384:P-521`

function knowsMlKem(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 5)
}

/** Throws OpenSSL's error about a file that it cannot use. */
function contextOf(tls: Tls, to: ConnectionSettings, files: Certificates): SecureContext {
  if (latest && isSame(latest.files, files) && hasSameLimits(latest.limits, to)) return latest.context
  if (areRootsForgone) tls.setDefaultCACertificates([])
  const {root, cert, key, crl} = files
  const {tlsVersions, sslpassword} = to
  const options: SecureContextOptions = {
    ...(root === null ? {} : {ca: root === 'system' ? tls.getCACertificates('system') : root}),
    ...(cert === null || key === null ? {} : {cert, key}),
    ...(crl === null ? {} : {crl: [...crl]}),
    ...(sslpassword === null ? {} : {passphrase: sslpassword}),
    minVersion: tlsVersions.min,
    ...(tlsVersions.max === null ? {} : {maxVersion: tlsVersions.max}),
  }
  latest = {files, limits: {tlsVersions, sslpassword}, context: withCurves(tls, options)}
  return latest.context
}

/** Where OpenSSL refuses one of the curves, as under FIPS, its own default is used. */
function withCurves(tls: Tls, options: SecureContextOptions): SecureContext {
  try {
    return tls.createSecureContext({...options, ecdhCurve: curves})
  } catch {
    return tls.createSecureContext(options)
  }
}

/** `'system'` is never the same: the machine's roots may have been renewed. */
function isSame(one: Certificates, other: Certificates): boolean {
  const parts = ['root', 'cert', 'key'] as const
  const same = (a: Buffer | string | null | undefined, b: typeof a) =>
    a instanceof Buffer && b instanceof Buffer ? a.equals(b) : a === b && a !== 'system'
  const [lists, others] = [one.crl ?? [], other.crl ?? []]
  return (
    parts.every((part) => same(one[part], other[part])) &&
    lists.length === others.length &&
    lists.every((list, index) => same(list, others[index]))
  )
}

const hasSameLimits = (one: Limits, other: Limits): boolean =>
  one.sslpassword === other.sslpassword &&
  one.tlsVersions.min === other.tlsVersions.min &&
  one.tlsVersions.max === other.tlsVersions.max

/**
 * node's rule, with one addition from libpq: in a certificate without alternative names, an address
 * may also be the common name.
 */
function nameError(tls: Tls, host: string, peer: PeerCertificate): Error | undefined {
  if (isIP(host) !== 0 && !peer.subjectaltname && peer.subject?.CN === host) return undefined
  return tls.checkServerIdentity(host, peer)
}

/** When the certificate of the server ends, milliseconds since 1970; `null`: it showed none. */
export function endOfCertificate(socket: Socket): number | null {
  if (!('getPeerCertificate' in socket)) return null
  const end = Date.parse((socket as TLSSocket).getPeerCertificate().valid_to)
  return Number.isNaN(end) ? null : end
}

/**
 * The handshake on a connected socket. Rejects with OpenSSL's or node's error; destroying `raw`
 * ends it.
 */
export function encrypt(tls: Tls, raw: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({...options, socket: raw})
    const failed = (error: Error) => {
      secured.destroy()
      reject(error)
    }
    secured.once('error', failed)
    secured.once('close', () =>
      reject(Object.assign(new Error('the server closed the connection during the handshake'), {code: 'EPROTO'})),
    )
    secured.once('secureConnect', () => {
      secured.off('error', failed)
      resolve(secured)
    })
  })
}
