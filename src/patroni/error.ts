import type {Delivery} from '../http/exchange.ts'
import type {FailureReason} from '../http/failure-reason.ts'

/**
 * `request`: the call itself is wrong, and nothing was sent. `auth`: a certificate is not trusted,
 * by either side. `transport`: no answer. `decode`: an answer that is not Patroni's. A status code
 * is never an error: 401, 412 and 503 are answers.
 */
export type PatroniErrorKind = 'request' | 'auth' | 'transport' | 'decode'

/** `malformed`: HTTP, but not what Patroni documents. */
export type PatroniErrorReason = FailureReason | 'usage' | 'malformed'

/**
 * Why a call brought no answer. Look at `delivery` after an order: after `maybe-sent` Patroni may
 * carry it out, so read before you repeat it. The text holds no password.
 */
export class PatroniError extends Error {
  readonly kind: PatroniErrorKind
  readonly reason: PatroniErrorReason
  readonly delivery: Delivery
  /** The URL of the member; `null`: no member was asked. */
  readonly member: string | null

  constructor(
    what: Readonly<{
      reason: PatroniErrorReason
      delivery: Delivery
      member: string | null
      message: string
      cause?: unknown
    }>,
  ) {
    super(what.message, what.cause === undefined ? undefined : {cause: what.cause})
    this.name = 'PatroniError'
    this.kind = kindOf(what.reason)
    this.reason = what.reason
    this.delivery = what.delivery
    this.member = what.member
  }

  /** The same, for an order that this question came before. */
  notSent(): PatroniError {
    const {reason, member, message} = this
    return new PatroniError({reason, delivery: 'not-sent', member, message, cause: this})
  }
}

const kindOf = (reason: PatroniErrorReason): PatroniErrorKind => {
  switch (reason) {
    case 'usage':
      return 'request'
    case 'tls':
      return 'auth'
    case 'too-large':
    case 'not-http':
    case 'malformed':
      return 'decode'
    default:
      return 'transport'
  }
}

/** The caller's own mistake: nothing was sent. */
export const usageError = (message: string, member: string | null = null): PatroniError =>
  new PatroniError({reason: 'usage', delivery: 'not-sent', member, message})
