import type {Failure} from '../../core/facts/observation.ts'
import type {ConnectionSettings, SslMode} from '../../core/settings.ts'

/**
 * How one connection is made. `tls-or-plain`: ask for TLS, and if the server answers `N`, go on
 * without TLS on the same connection.
 */
export type SslAttempt = 'plain' | 'tls' | 'tls-or-plain'

const attemptsOf: Readonly<Record<SslMode, readonly [SslAttempt, ...SslAttempt[]]>> = {
  disable: ['plain'],
  allow: ['plain', 'tls'],
  prefer: ['tls-or-plain', 'plain'],
  require: ['tls'],
  'verify-ca': ['tls'],
  'verify-full': ['tls'],
}

/** `host` is a directory with a unix socket (`@`: in the abstract namespace), as in libpq. */
export const isUnix = (to: ConnectionSettings): boolean => to.hostaddr === null && /^[/@]/.test(to.host)

/**
 * In the order in which libpq tries them (PostgreSQL documentation, 34.19.3). A unix socket has no
 * TLS, whatever sslmode says.
 */
export const sslAttempts = (to: ConnectionSettings): readonly [SslAttempt, ...SslAttempt[]] =>
  isUnix(to) ? ['plain'] : attemptsOf[to.sslmode]

/**
 * May the next attempt follow this failure? Only if it can make a difference: pg_hba.conf has no line
 * for the first attempt (28000), or the handshake failed under `prefer`. Unlike libpq, a wrong
 * password is not tried twice, because it counts against the role.
 */
export const mayRetry = (failure: Failure & {sqlstate: string | null}, attempt: SslAttempt): boolean =>
  failure.sqlstate === '28000' || (attempt === 'tls-or-plain' && failure.cause === 'tls')
