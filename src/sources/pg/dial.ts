import {connect as connectSocket, isIP, type Socket} from 'node:net'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {certificatesOf} from './certificates.ts'
import {encrypt, tlsOptions} from './encryption.ts'
import {failureFrom, type PgFailure, pgFailure} from './failure.ts'
import {sslRequest} from './protocol.ts'
import type {Resolver} from './resolver.ts'
import {isUnix, type SslAttempt} from './ssl-attempts.ts'

/**
 * A connection on which nothing but SSLRequest has been said. `remoteAddress`: `null` over a unix
 * socket.
 */
export type Dialled = Readonly<{socket: Socket; remoteAddress: string | null}>

/**
 * An attempt of an address that says nothing gives way to the next one after so long, where a name
 * has several.
 */
const nextAddressMs = 250

/**
 * Idle seconds before the kernel asks. Probes notice sooner; this is for sessions that nobody
 * probes at the moment.
 */
const keepAliveMs = 10_000

/**
 * Connects and, if `manner` says so, encrypts. Done here for sessions and knocks alike, and not
 * left to pg: that ignores sslmode in an object config, knows no fall-back on the same connection,
 * and cannot be told apart by cause. Never rejects; an abort destroys the socket. `meanwhile`: what
 * the caller has to do while the server is busy with its part of the handshake.
 */
export async function dial(
  to: ConnectionSettings,
  manner: SslAttempt,
  verify: boolean,
  names: Resolver,
  signal: AbortSignal,
  meanwhile = () => {},
): Promise<Dialled | PgFailure> {
  let socket: Socket | null = null
  let phase = isUnix(to) || isIP(to.hostaddr ?? to.host) !== 0 ? 'connecting' : 'resolving'
  const abandoned = Promise.withResolvers<PgFailure>()
  const forget = onAbort(signal, () => {
    socket?.destroy()
    // A name that does not resolve in time is our resolver's doing, and says nothing of the host.
    const where = to.hostaddr ?? to.host
    abandoned.resolve(
      phase === 'resolving'
        ? pgFailure('dns', `the name "${to.host}" was not resolved in time: check the resolver, or give \`hostaddr\``)
        : pgFailure(
            'timeout',
            phase === 'connecting'
              ? `no connection to ${where} in time`
              : `${where} accepts connections but did not answer in time`,
          ),
    )
  })
  const reached = async (): Promise<Dialled | PgFailure> => {
    const addresses = isUnix(to) ? [] : await names(to.hostaddr ?? to.host)
    if (signal.aborted) return abandoned.promise
    phase = 'connecting'
    const raw = isUnix(to)
      ? connectSocket({
          path: to.host.startsWith('@')
            ? `\0${to.host.slice(1)}/.s.PGSQL.${to.port}`
            : `${to.host}/.s.PGSQL.${to.port}`,
        })
      : connectSocket({
          host: to.hostaddr ?? to.host,
          port: to.port,
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: keepAliveMs,
          autoSelectFamily: true,
          autoSelectFamilyAttemptTimeout: nextAddressMs,
          lookup: (_name, _options, done) => done(null, [...addresses]),
        })
    socket = raw
    // Whatever happens to it later, an error without a listener would end the process.
    raw.on('error', () => undefined)
    await new Promise<void>((resolve, reject) => raw.once('connect', resolve).once('error', reject))
    phase = 'answering'
    const remoteAddress = raw.remoteAddress ?? null
    if (manner === 'plain') return {socket: raw, remoteAddress}
    const asked = askForTls(raw)
    const needs = manner === 'tls' ? tlsAndFiles(to) : null
    needs?.catch(() => undefined)
    const offered = await asked
    if (!offered && manner === 'tls-or-plain') return {socket: raw, remoteAddress}
    if (!offered)
      return pgFailure('tls', `the server does not offer TLS (ssl = off), and sslmode ${to.sslmode} insists on it`)
    const [tls, files] = await (needs ?? tlsAndFiles(to))
    if (isFailure(files)) return files
    phase = 'encrypting'
    const securing = encrypt(tls, raw, tlsOptions(tls, to, files, verify))
    setImmediate(meanwhile)
    const secured = await securing
    socket = secured
    secured.on('error', () => undefined)
    return {socket: secured, remoteAddress}
  }
  const outcome = await Promise.race([abandoned.promise, reached().catch((error) => unreached(error, phase, to))])
  forget()
  if (isFailure(outcome)) (socket as Socket | null)?.destroy()
  return outcome
}

/**
 * What it takes to encrypt: on demand, because a check without TLS starts 17 ms sooner, and while
 * the server forks - once the other hosts have been asked too.
 */
function tlsAndFiles(to: ConnectionSettings) {
  const files = certificatesOf(to)
  return Promise.all([new Promise(setImmediate).then(() => import('node:tls')), files])
}

function unreached(error: unknown, phase: string, to: ConnectionSettings): PgFailure {
  // OpenSSL's complaints of our own files have no code at all; whatever a resolver fails of is a
  // matter of names.
  const why = failureFrom(error, to, phase === 'encrypting' ? 'tls' : 'error')
  return phase === 'resolving' ? {...why, cause: 'dns'} : why
}

/**
 * `S` -> true, `N` -> false. Anything more than that one byte was put there in between, by somebody
 * (CVE-2021-23222).
 */
function askForTls(raw: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(Object.assign(new Error('the server closed the connection'), {code: 'ECONNRESET'}))
    raw.once('error', reject)
    raw.once('close', closed)
    raw.once('data', (answer) => {
      // Not paused: it is our turn to speak, so nothing can be lost, and pg would not resume it.
      raw.off('error', reject)
      raw.off('close', closed)
      const said = answer.toString('latin1')
      if (said === 'S' || said === 'N') resolve(said === 'S')
      else reject(new Error('what answers there does not speak the PostgreSQL protocol'))
    })
    raw.write(sslRequest)
  })
}
