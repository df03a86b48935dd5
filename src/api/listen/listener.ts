import {createServer, type RequestListener} from 'node:http'
import {createServer as createTlsServer, type Server as TlsServer} from 'node:https'
import type {Server as NetServer} from 'node:net'
import type {SecureContextOptions} from 'node:tls'
import {OperatorError} from '../../core/errors.ts'
import {clearPath, grant, groupId} from '../../system/unix-socket.ts'
import {problem} from '../answer.ts'
import {respond} from '../not-found.ts'
import type {ConnectionLimit} from './connection-limit.ts'
import type {CountDrop} from './drop-reason.ts'
import {type Endpoint, sectionOf} from './endpoint.ts'
import {handshakeMs, idleMs, timeLimits} from './limits.ts'
import {refuseMalformed} from './malformed.ts'
import type {ListenerKind} from './socket-activation.ts'

/** One open endpoint. */
export interface Listener {
  readonly endpoint: Endpoint
  /** For logs and people: `https://127.0.0.1:8443`, or the path of a socket. */
  readonly address: string
  /** Sets the certificate for new connections; open connections keep the old one. */
  renew(material: SecureContextOptions): void
  /** Accepts no new connections and closes idle ones. Resolves when the last one has ended. */
  close(): Promise<void>
  /** Closes the connections that are still open. */
  cut(): void
}

/**
 * Opens `endpoint`. Throws OperatorError where that fails. `material`: certificate and key of an
 * endpoint with TLS, else `null`. `dropped`: told of each connection that the listener closes by itself.
 */
export async function listen(
  endpoint: Endpoint,
  handler: RequestListener,
  material: SecureContextOptions | null,
  {connections, dropped}: Readonly<{connections: ConnectionLimit; dropped: CountDrop}>,
): Promise<Listener> {
  const server =
    material === null
      ? createServer(optionsOf(endpoint), handler)
      : createTlsServer(tlsOptions(endpoint, material), handler)
  server.on('clientError', (error, socket) => refuseMalformed(error, socket, dropped))
  server.on('checkExpectation', (_, response) => respond(response, unexpected))
  // A client that speaks no TLS or whose handshake fails is disconnected and counted, not logged.
  server.on('tlsClientError', ({code}: NodeJS.ErrnoException, socket) => {
    if (code !== 'ECONNRESET') dropped(code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'slow' : 'tls')
    socket.destroy()
  })
  server.timeout = idleMs
  connections.watch(server)
  await open(server, endpoint)
  return {
    endpoint,
    address: addressOf(server, endpoint),
    renew: (fresh) => 'setSecureContext' in server && (server as TlsServer).setSecureContext(fresh),
    close: () => new Promise((resolve) => server.close(() => resolve())),
    cut: () => server.closeAllConnections(),
  }
}

const unexpected = problem(417, {
  code: 'EXPECTATION',
  detail: 'the header Expect has a value other than 100-continue',
  next: 'Send the request without the header Expect.',
})

/** Clients of Patroni and primgr may send HTTP/1.1 without Host: their own servers take it. */
const optionsOf = ({kind}: Endpoint) => ({...timeLimits, requireHostHeader: kind !== 'patroni' && kind !== 'primgr'})

/** Client certificates are requested here and checked by `authorise`: a GET needs none. */
const tlsOptions = (endpoint: Endpoint, material: SecureContextOptions) => ({
  ...optionsOf(endpoint),
  ...material,
  handshakeTimeout: handshakeMs,
  requestCert: endpoint.tls === 'mutual',
  rejectUnauthorized: false,
})

/** Binds `server`. Throws OperatorError where that fails. */
export async function open(server: NetServer, {at, kind}: Endpoint): Promise<void> {
  const group = 'path' in at && at.group !== null ? await groupId(at.group) : null
  if ('path' in at) await clearPath(at.path)
  const bound = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
  })
  // `bind` happens within `listen`, so the umask makes sure that the socket is never open to others.
  const before = 'path' in at ? process.umask(0o177) : null
  try {
    if ('path' in at) server.listen({path: at.path, backlog: 511})
    else if ('fd' in at) server.listen({fd: at.fd})
    else server.listen({host: at.host, port: at.port, backlog: 511})
  } finally {
    if (before !== null) process.umask(before)
  }
  try {
    await bound
    if ('path' in at && !at.isPrivate) grant(at.path, group)
  } catch (error) {
    server.close()
    if (error instanceof OperatorError) throw error
    const where = 'host' in at ? `${at.host}:${at.port}` : 'path' in at ? at.path : `the ${kind} socket from systemd`
    const section = sectionOf(kind)
    throw section === ''
      ? failureOf(error as NodeJS.ErrnoException, `cannot listen on ${where}`)
      : failureOf(error as NodeJS.ErrnoException, `${section} cannot listen on ${where}`, inSection(kind, section))
  }
}

/** The usual reason there is that the other program still runs on this machine. */
const inSection = (kind: ListenerKind, section: string): Readonly<Record<string, string>> => ({
  EADDRINUSE: `Stop it (it may be ${kind === 'grpc' ? 'harepd' : kind} itself), or set another ${section}.port.`,
  EADDRNOTAVAIL: `Set ${section}.bind to an address of this machine.`,
})

const reasons: Readonly<Record<string, readonly [why: string, next: string]>> = {
  EADDRINUSE: ['another process listens there', 'Stop it first, or set another bind, port or socket.'],
  EACCES: [
    'the user of the daemon has no permission',
    'Choose a port above 1023, or a folder that this user may write to.',
  ],
  EADDRNOTAVAIL: ['this machine does not have that address', 'Set bind to an address of this machine.'],
  ENOTFOUND: ['the host name does not resolve', 'Set bind to an address of this machine.'],
}

function failureOf(
  error: NodeJS.ErrnoException,
  what: string,
  advice: Readonly<Record<string, string>> = {},
): OperatorError {
  const code = error.code ?? ''
  const [why, next] = reasons[code] ?? [error.code ?? error.message, 'Set another bind, port or socket.']
  return new OperatorError('LISTEN', `${what}: ${why}`, advice[code] ?? next, {cause: error})
}

/** For logs and people. */
export function addressOf(server: NetServer, {at, tls, kind}: Endpoint): string {
  if ('path' in at) return at.path
  const bound = server.address()
  if (typeof bound === 'string' || bound === null) return bound ?? 'a socket of systemd'
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  const scheme = kind === 'grpc' ? 'grpc' : tls === 'none' ? 'http' : 'https'
  return `${scheme}://${host}:${bound.port}`
}
