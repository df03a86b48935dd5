import {createSecureServer, createServer, type ServerHttp2Session, type ServerOptions} from 'node:http2'
import type {Server} from 'node:net'
import type {SecureContextOptions} from 'node:tls'
import type {Calls} from '../grpc/calls.ts'
import type {ConnectionLimit} from './connection-limit.ts'
import type {Endpoint} from './endpoint.ts'
import {handshakeMs, idleMs} from './limits.ts'
import {addressOf, type Listener, open} from './listener.ts'

/** One question is under way per client. What goes past these is no client, and is disconnected. */
const options: ServerOptions = {
  maxSessionMemory: 1,
  maxHeaderListPairs: 64,
  maxOutstandingPings: 4,
  maxSettings: 32,
  maxSessionInvalidFrames: 32,
  maxSessionRejectedStreams: 32,
  streamResetBurst: 64,
  streamResetRate: 16,
  unknownProtocolTimeout: handshakeMs,
  settings: {maxConcurrentStreams: 16, maxHeaderListSize: 16 * 1024, enablePush: false},
}

/**
 * Opens `endpoint` for gRPC: HTTP/2, over TLS 1.3 with ALPN `h2`, or in the clear. Throws
 * OperatorError where that fails. `material`: certificate and key of an endpoint with TLS, else
 * `null`.
 */
export async function listenGrpc(
  endpoint: Endpoint,
  calls: Calls,
  material: SecureContextOptions | null,
  connections: ConnectionLimit,
): Promise<Listener> {
  const secure = material === null ? null : createSecureServer(tlsOptions(endpoint, material))
  const server = secure ?? createServer(options)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // What a client does to its own connection is no error of this process.
    session.on('error', () => {})
    session.setTimeout(idleMs, () => session.destroy())
  })
  server.on('stream', calls)
  // A client that speaks no TLS or no HTTP/2, or whose handshake fails, is disconnected, not
  // logged.
  for (const event of ['tlsClientError', 'unknownProtocol'] as const)
    server.on(event, (first: {destroy?(): void}, second?: {destroy(): void}) => (second ?? first).destroy?.())
  connections.watch(server as Server)
  await open(server as Server, endpoint)
  return {
    endpoint,
    address: addressOf(server as Server, endpoint),
    renew: (fresh) => secure?.setSecureContext(modern(fresh)),
    close() {
      // A session that is told to end finishes its calls; without it, clients would keep their
      // connection.
      for (const session of sessions) session.close()
      return new Promise((resolve) => server.close(() => resolve()))
    },
    cut() {
      for (const session of sessions) session.destroy()
    },
  }
}

const modern = (material: SecureContextOptions): SecureContextOptions => ({...material, minVersion: 'TLSv1.3'})

/**
 * harepd has no client certificates; an endpoint with an authority for them asks for one, and
 * refuses without.
 */
const tlsOptions = ({tls}: Endpoint, material: SecureContextOptions) => ({
  ...options,
  ...modern(material),
  allowHTTP1: false,
  handshakeTimeout: handshakeMs,
  requestCert: tls === 'mutual',
  rejectUnauthorized: tls === 'mutual',
})
