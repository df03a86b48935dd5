import type {Socket} from 'node:net'
import {isIP} from 'node:net'
import type {ConnectionOptions, PeerCertificate, SecureContext, SecureContextOptions, TLSSocket} from 'node:tls'
import type {ConnectionSettings} from '../../core/settings.ts'
import type {Certificates} from './certificates.ts'

type Tls = typeof import('node:tls')

/**
 * libpq's meaning of sslmode, in node's words (PostgreSQL documentation, 34.19.1): with an
 * authority at hand the chain is verified in every mode - `require` with a root file is `verify-ca`
 * - and the name in `verify-full` alone. `verify` false: for a knock, which sends no secret and
 * asks whether the postmaster lives, not whose certificate it has.
 */
export function tlsOptions(tls: Tls, to: ConnectionSettings, files: Certificates, verify: boolean): ConnectionOptions {
  return {
    rejectUnauthorized: verify && files.root !== null,
    secureContext: contextOf(tls, verify ? files : {...files, crl: null}),
    // RFC 6066: a name, never an address.
    ...(to.sslsni && isIP(to.host) === 0 ? {servername: to.host} : {}),
    host: to.host,
    checkServerIdentity: (_host, peer) => (to.sslmode === 'verify-full' ? nameError(tls, to.host, peer) : undefined),
  }
}

let areRootsForgone = false

/**
 * For a process that trusts no authority but those that it names: node reads its own 150 before it
 * takes one of ours, which costs a check 10 ms. Nothing else in the process may rely on them
 * afterwards.
 */
export function forgoRoots(): void {
  areRootsForgone = true
}

/**
 * The last that was made. To read certificates costs OpenSSL milliseconds, and the hosts of a group
 * mostly have the same: a check has no time for three.
 */
let latest: Readonly<{files: Certificates; context: SecureContext}> | null = null

/**
 * OpenSSL's own choice, but for the order. PostgreSQL knew P-256 alone by default before version 18
 * (ssl_ecdh_curve): with another one first the server has to ask for it, and every handshake takes
 * a round trip more. A server that prefers another one still gets it.
 */
const curves = `P-256:X25519:${knowsMlKem(process.versions.openssl) ? 'X25519MLKEM768:' : ''}X448:P-384:P-521`

function knowsMlKem(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 5)
}

/** Throws OpenSSL's complaints of the files. */
function contextOf(tls: Tls, files: Certificates): SecureContext {
  if (latest && isSame(latest.files, files)) return latest.context
  if (areRootsForgone) tls.setDefaultCACertificates([])
  const {root, cert, key, crl} = files
  const options: SecureContextOptions = {
    ...(root === null ? {} : {ca: root === 'system' ? tls.getCACertificates('system') : root}),
    ...(cert === null || key === null ? {} : {cert, key}),
    ...(crl === null ? {} : {crl}),
  }
  latest = {files, context: withCurves(tls, options)}
  return latest.context
}

/** An OpenSSL that refuses one of the curves, as under FIPS, chooses by itself. */
function withCurves(tls: Tls, options: SecureContextOptions): SecureContext {
  try {
    return tls.createSecureContext({...options, ecdhCurve: curves})
  } catch {
    return tls.createSecureContext(options)
  }
}

/** The machine's own roots may be renewed behind their one name. */
function isSame(one: Certificates, other: Certificates): boolean {
  const parts = ['root', 'cert', 'key', 'crl'] as const
  return parts.every((part) => {
    const [a, b] = [one[part], other[part]]
    return a instanceof Buffer && b instanceof Buffer ? a.equals(b) : a === b && a !== 'system'
  })
}

/**
 * node's rule, and libpq's one difference from it: an address may also stand in the common name of
 * a certificate without alternative names.
 */
function nameError(tls: Tls, host: string, peer: PeerCertificate): Error | undefined {
  if (isIP(host) !== 0 && !peer.subjectaltname && peer.subject?.CN === host) return undefined
  return tls.checkServerIdentity(host, peer)
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
