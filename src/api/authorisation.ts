import type {IncomingMessage} from 'node:http'
import type {Socket} from 'node:net'
import {TLSSocket} from 'node:tls'
import type {Pem} from '../config/config.ts'
import {type Answer, problem} from './answer.ts'
import type {Context} from './context.ts'
import type {Door} from './orders/order-record.ts'
import {ownerOfToken} from './tokens.ts'

/** Requests from the control socket, which only its owner may open. */
const trusted = new WeakSet<IncomingMessage>()
export const trust = (request: IncomingMessage): void => void trusted.add(request)
export const isTrusted = (request: IncomingMessage): boolean => trusted.has(request)

/** Why the certificate that a client showed does not count; `null`: it showed none, or none would count. */
function refusedCertificate(socket: Socket, clientCa: Pem | null): string | null {
  if (clientCa === null || !(socket instanceof TLSSocket) || socket.getPeerX509Certificate() === undefined) return null
  return `the client certificate does not count (${String(socket.authorizationError)})`
}

/** A unix socket has no remote address, and loopback traffic does not leave the machine. */
const isOverheard = (socket: Socket): boolean => {
  const {remoteAddress} = socket
  return (
    !(socket instanceof TLSSocket) && remoteAddress !== undefined && !/^(::1|(::ffff:)?127\..*)$/.test(remoteAddress)
  )
}

export type Allowed = Readonly<{by: string; door: Exclude<Door, 'none'>}>
export type Unauthorised = Readonly<{refusal: Answer; why: string}>

/** The client that gives an order and how it proved its right, or the answer that refuses the order. */
export async function authorise(
  request: IncomingMessage,
  {config, log}: Pick<Context, 'config' | 'log'>,
): Promise<Allowed | Unauthorised> {
  if (trusted.has(request)) return {by: 'control socket', door: 'control-socket'}
  const {socket} = request
  if (config.ssl?.clientCa && socket instanceof TLSSocket && socket.authorized) {
    return {by: String(socket.getPeerCertificate().subject?.CN ?? 'client certificate'), door: 'certificate'}
  }
  const [, token] = /^Bearer +([^\s]{1,1024})$/i.exec(request.headers.authorization ?? '') ?? []
  if (token && isOverheard(socket)) {
    const next = 'Set "ssl" to turn on TLS, and replace this token: others may have read it.'
    const why = 'the token was sent over the network without TLS'
    return {refusal: problem(403, {code: 'TOKEN_IN_THE_CLEAR', detail: why, next}), why}
  }
  const owner = token && config.tokensFile !== null ? await ownerOfToken(token, config.tokensFile, log) : null
  if (owner !== null) return {by: owner, door: 'token'}
  const next = 'Use the control socket, a client certificate signed by ssl.client_ca, or a token from tokens_file.'
  const why = token
    ? 'the token is unknown'
    : (refusedCertificate(socket, config.ssl?.clientCa ?? null) ?? 'orders need authorisation')
  const headers = {'www-authenticate': 'Bearer realm="pgroute66"'}
  return {refusal: problem(401, {code: 'UNAUTHORISED', detail: why, next}, headers), why}
}
