import type {IncomingMessage} from 'node:http'
import type {Socket} from 'node:net'
import {TLSSocket} from 'node:tls'
import {type Answer, problem} from './answer.ts'
import type {Context} from './context.ts'
import {ownerOfToken} from './tokens.ts'

/** Requests from the control socket, which only its owner may open. */
const trusted = new WeakSet<IncomingMessage>()
export const trust = (request: IncomingMessage): void => void trusted.add(request)
export const isTrusted = (request: IncomingMessage): boolean => trusted.has(request)

/** A unix socket has no remote address, and loopback traffic does not leave the machine. */
const isOverheard = (socket: Socket): boolean => {
  const {remoteAddress} = socket
  return (
    !(socket instanceof TLSSocket) && remoteAddress !== undefined && !/^(::1|(::ffff:)?127\..*)$/.test(remoteAddress)
  )
}

/** The name of the client that gives an order, or the answer that refuses the order. */
export async function authorise(
  request: IncomingMessage,
  {config, log}: Context,
): Promise<Readonly<{by: string}> | Answer> {
  if (trusted.has(request)) return {by: 'control socket'}
  const {socket} = request
  if (config.ssl?.clientCa && socket instanceof TLSSocket && socket.authorized) {
    return {by: String(socket.getPeerCertificate().subject?.CN ?? 'client certificate')}
  }
  const [, token] = /^Bearer +([^\s]{1,1024})$/i.exec(request.headers.authorization ?? '') ?? []
  if (token && isOverheard(socket)) {
    const next = 'Set "ssl" to turn on TLS, and replace this token: others may have read it.'
    return problem(403, {code: 'TOKEN_IN_THE_CLEAR', detail: 'the token was sent over the network without TLS', next})
  }
  const owner = token && config.tokensFile !== null ? await ownerOfToken(token, config.tokensFile, log) : null
  if (owner !== null) return {by: owner}
  const next = 'Use the control socket, a client certificate signed by ssl.client_ca, or a token from tokens_file.'
  const detail = token ? 'the token is unknown' : 'orders need authorisation'
  return problem(401, {code: 'UNAUTHORISED', detail, next}, {'www-authenticate': 'Bearer realm="pgroute66"'})
}
