import {isIP} from 'node:net'
import type {AuthMethod, ConnectionSettings} from '../../../core/settings.ts'

/** How the connection is protected. `isLocal`: a unix socket, or the loopback interface. */
export type Transport = Readonly<{isEncrypted: boolean; isLocal: boolean}>

/** A message of the server about the login, as pg names it. */
type Message = Readonly<{name: string; mechanisms?: readonly string[]}>

/** Judges each message of the server about the login, before pg acts on it. */
export interface AuthenticationGate {
  /**
   * `null`: the message may pass. A text: why the login ends, and what to do. After the first text
   * each further message is refused with the same text.
   */
  hear(message: Message): string | null
  /** The server asked for the method md5. */
  readonly isMd5: boolean
}

const plus = 'SCRAM-SHA-256-PLUS'

/** 127.0.0.0/8 and ::1. `null`: a unix socket. */
export const isLoopback = (address: string | null): boolean =>
  address === null || address === '::1' || (isIP(address) !== 0 && /^(::ffff:)?127\./i.test(address))

/**
 * libpq's rules (`check_expected_areq` and `pg_SASL_init` in fe-auth.c), and three of our own: no
 * password in the clear to another machine, unless require_auth names it; no end of SCRAM without
 * the server's proof; no second request, neither in the login nor later in the session. pg itself
 * answers each request, at any time.
 */
export function authenticationGate(to: ConnectionSettings, transport: Transport): AuthenticationGate {
  let asked: AuthMethod | null = null
  let isProven = false
  let isBound = false
  let isOver = false
  let isMd5 = false
  let refusal: string | null = null

  const ask = (method: AuthMethod): string | null => {
    if (isOver) return 'the server asks for a login in the middle of the session'
    if (asked !== null) return `the server asks for ${method} after ${asked}: check what listens there`
    asked = method
    if (to.requireAuth !== null && !to.requireAuth.methods.includes(method))
      return `the server asks for ${method}, and require_auth (${to.requireAuth.text}) does not allow that`
    if (to.channelBinding === 'require' && method !== 'scram-sha-256')
      return `the server asks for ${method}, and channel_binding is require: use scram-sha-256 in pg_hba.conf`
    return null
  }
  const password = () => {
    const isNamed = to.requireAuth !== null && !to.requireAuth.isNegative
    if (transport.isEncrypted || transport.isLocal || isNamed) return null
    return (
      'the server asks for the password in the clear, over a connection without TLS: ' +
      'use sslmode verify-full, or scram-sha-256 in pg_hba.conf, or allow it with require_auth=password'
    )
  }
  const scram = (mechanisms: readonly string[]) => {
    const isOffered = mechanisms.includes(plus)
    isBound = isOffered && transport.isEncrypted && to.channelBinding !== 'disable'
    if (isOffered && !transport.isEncrypted)
      return `the server offers ${plus} without TLS, which no PostgreSQL does: check what listens there`
    if (to.channelBinding !== 'require' || isBound) return null
    return transport.isEncrypted
      ? `channel_binding is require, and the server does not offer ${plus}: it has no TLS itself, or is too old`
      : 'channel_binding is require, and the connection has no TLS: set sslmode'
  }
  const welcome = () => {
    if (asked === 'scram-sha-256' && !isProven)
      return 'the server ended SCRAM without a proof that it knows the password: check what listens there'
    if (to.channelBinding === 'require' && !isBound)
      return 'channel_binding is require, and the server let the client in without it'
    if (to.requireAuth !== null && !to.requireAuth.mayBeNone && asked === null)
      return `the server asks for no authentication, and require_auth (${to.requireAuth.text}) does not allow that`
    isOver = true
    return null
  }
  const judge = ({name, mechanisms = []}: Message): string | null => {
    switch (name) {
      case 'authenticationCleartextPassword':
        return ask('password') ?? password()
      case 'authenticationMD5Password':
        isMd5 = true
        return ask('md5')
      case 'authenticationSASL':
        return ask('scram-sha-256') ?? scram(mechanisms)
      case 'authenticationSASLContinue':
        return asked === 'scram-sha-256' && !isOver ? null : 'the server continues a SCRAM that it did not begin'
      case 'authenticationSASLFinal':
        isProven = true
        return asked === 'scram-sha-256' && !isOver ? null : 'the server ends a SCRAM that it did not begin'
      case 'authenticationOk':
        return isOver ? 'the server ends the login twice: check what listens there' : welcome()
      default:
        return null
    }
  }
  return {
    hear(message) {
      refusal ??= message.name.startsWith('authentication') ? judge(message) : null
      return message.name.startsWith('authentication') ? refusal : null
    },
    get isMd5() {
      return isMd5
    },
  }
}
