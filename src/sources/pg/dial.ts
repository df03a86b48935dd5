import {connect as connectSocket, isIP, type Socket} from 'node:net'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {certificatesOf} from './certificates.ts'
import {alpn, encrypt, tlsOptions} from './encryption.ts'
import {failureFrom, type PgFailure, pgFailure} from './failure.ts'
import {firstConnected} from './limits/first-connected.ts'
import type {Patience} from './limits/patience.ts'
import {sslRequest} from './protocol.ts'
import type {Resolver} from './resolver.ts'
import {isUnix, type SslAttempt} from './ssl-attempts.ts'

/**
 * A connection on which the client has sent nothing but SSLRequest. `remoteAddress`: `null` over a
 * unix socket.
 */
export type Dialled = Readonly<{socket: Socket; remoteAddress: string | null}>

export type DialRequest = Readonly<{
  to: ConnectionSettings
  attempt: SslAttempt
  /** Checks the server's certificate as sslmode says; a knock passes `false`. */
  verify: boolean
  resolve: Resolver
  patience: Patience
  /** The caller's work for the time in which the server computes its part of the handshake. */
  meanwhile?: () => void
}>

/** How far a dial has come, and the socket that an abort destroys. */
type Progress = {phase: 'resolving' | 'connecting' | 'answering' | 'encrypting'; socket: Socket | null}

/** If one address of a name does not answer within this time, node tries the next one as well. */
const nextAddressMs = 250

/**
 * Idle time before the kernel's keepalive. Probes notice a dead peer sooner; the keepalive is for
 * sessions that are not probed at the moment.
 */
const keepAliveSeconds = 10

/**
 * Connects and, if `attempt` says so, encrypts. Sessions and knocks share this code. pg cannot do
 * it: pg ignores sslmode in an object config, cannot fall back on the same connection, and does not
 * tell failures apart by cause. Begins the steps of `patience`. Never rejects; an abort destroys the
 * socket.
 */
export async function dial(request: DialRequest): Promise<Dialled | PgFailure> {
  const {to, patience} = request
  const isAddress = isUnix(to) || isIP(to.hostaddr ?? to.host) !== 0
  const progress: Progress = {phase: isAddress ? 'connecting' : 'resolving', socket: null}
  const abandoned = Promise.withResolvers<PgFailure>()
  const forget = onAbort(patience.signal, () => {
    progress.socket?.destroy()
    abandoned.resolve(timeoutIn(progress, to))
  })
  const reached = reach(request, progress).catch((error: unknown) => failureIn(progress, error, to))
  const outcome = await Promise.race([abandoned.promise, reached])
  forget()
  if (isFailure(outcome)) progress.socket?.destroy()
  return outcome
}

async function reach(request: DialRequest, progress: Progress): Promise<Dialled | PgFailure> {
  const {to, attempt, verify, resolve, patience, meanwhile = () => {}} = request
  patience.begin('name')
  const addresses = isUnix(to) ? [] : await resolve(to.hostaddr ?? to.host)
  if (patience.signal.aborted) return timeoutIn(progress, to)
  progress.phase = 'connecting'
  patience.begin('handshake')
  const raw = await firstConnected(() => socketTo(to, addresses), patience)
  progress.socket = raw
  keepAlive(raw, to)
  progress.phase = 'answering'
  const remoteAddress = raw.remoteAddress ?? null
  if (attempt === 'plain') return unencrypted(request, {socket: raw, remoteAddress})
  patience.begin('tlsOffer')
  const isDirect = to.sslnegotiation === 'direct'
  const asked = isDirect ? true : askForTls(raw)
  const early = attempt === 'tls' ? tlsAndFiles(to) : null
  early?.catch(() => undefined)
  const isOffered = await asked
  if (!isOffered && attempt === 'tls-or-plain') return unencrypted(request, {socket: raw, remoteAddress})
  if (!isOffered)
    return pgFailure(
      'tls',
      `the server does not offer TLS (ssl = off), and sslmode ${to.sslmode} requires TLS: ` +
        `set ssl = on, or change sslmode`,
    )
  const [tls, files] = await (early ?? tlsAndFiles(to))
  if (isFailure(files)) return files
  progress.phase = 'encrypting'
  patience.begin('tls')
  const securing = encrypt(tls, raw, tlsOptions(tls, to, files, verify))
  setImmediate(meanwhile)
  const secured = await securing
  progress.socket = secured
  secured.on('error', () => undefined)
  if (isDirect && secured.alpnProtocol !== alpn)
    return pgFailure('tls', 'the server does not know sslnegotiation direct, which is new in PostgreSQL 17: remove it')
  // OpenSSL tells of a server's request for a certificate by the signatures that both know.
  if (verify && to.sslcertmode === 'require' && secured.getSharedSigalgs().length === 0)
    return pgFailure('tls', 'sslcertmode is require, and the server does not ask for a client certificate')
  return {socket: secured, remoteAddress}
}

function unencrypted({to, verify}: DialRequest, dialled: Dialled): Dialled | PgFailure {
  if (!verify || to.sslcertmode !== 'require') return dialled
  return pgFailure('tls', 'sslcertmode is require, and the connection has no TLS: set sslmode to require or stricter')
}

function socketTo(to: ConnectionSettings, addresses: Awaited<ReturnType<Resolver>>): Socket {
  if (isUnix(to)) {
    const folder = to.host.startsWith('@') ? `\0${to.host.slice(1)}` : to.host
    return connectSocket({path: `${folder}/.s.PGSQL.${to.port}`})
  }
  return connectSocket({
    host: to.hostaddr ?? to.host,
    port: to.port,
    noDelay: true,
    keepAlive: to.keepalive !== null,
    keepAliveInitialDelay: (to.keepalive?.idleSeconds ?? keepAliveSeconds) * 1000,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAddressMs,
    lookup: (_name, _options, done) => done(null, [...addresses]),
  })
}

/** What `connect` has no option for: the interval and the number of the kernel's keepalives. */
function keepAlive(socket: Socket, {keepalive}: ConnectionSettings): void {
  if (keepalive === null || (keepalive.intervalSeconds === null && keepalive.count === null)) return
  const {idleSeconds, intervalSeconds, count} = keepalive
  socket.setKeepAlive(
    true,
    (idleSeconds ?? keepAliveSeconds) * 1000,
    intervalSeconds === null ? undefined : intervalSeconds * 1000,
    count ?? undefined,
  )
}

/**
 * Loads node:tls and the certificate files. On demand, because a check without TLS starts 17 ms
 * sooner. The import waits until the other hosts have been asked; the server forks meanwhile.
 */
function tlsAndFiles(to: ConnectionSettings) {
  const files = certificatesOf(to)
  return Promise.all([new Promise(setImmediate).then(() => import('node:tls')), files])
}

/** A slow resolver is a fault of this machine and says nothing about the host: `dns`. */
function timeoutIn({phase}: Progress, to: ConnectionSettings): PgFailure {
  const where = to.hostaddr ?? to.host
  if (phase === 'resolving')
    return pgFailure('dns', `the name "${to.host}" was not resolved in time: check the resolver, or give \`hostaddr\``)
  if (phase === 'connecting') return pgFailure('timeout', `no connection to ${where} in time`)
  return pgFailure('timeout', `${where} accepts connections but did not answer in time`)
}

function failureIn({phase}: Progress, error: unknown, to: ConnectionSettings): PgFailure {
  // OpenSSL's complaints about the configured files carry no code: while encrypting they are `tls`.
  const failure = failureFrom(error, to, phase === 'encrypting' ? 'tls' : 'error')
  return phase === 'resolving' ? {...failure, cause: 'dns'} : failure
}

/**
 * `S` -> true, `N` -> false. More than that one byte means that an attacker injected bytes before
 * the handshake (CVE-2021-23222): rejects.
 */
function askForTls(raw: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(Object.assign(new Error('the server closed the connection'), {code: 'ECONNRESET'}))
    raw.once('error', reject)
    raw.once('close', closed)
    raw.once('data', (answer) => {
      // Not paused: the client speaks next, so no byte can be lost, and pg would not resume a
      // paused socket.
      raw.off('error', reject)
      raw.off('close', closed)
      const reply = answer.toString('latin1')
      if (reply === 'S' || reply === 'N') resolve(reply === 'S')
      else reject(new Error('the server does not speak the PostgreSQL protocol'))
    })
    raw.write(sslRequest)
  })
}
