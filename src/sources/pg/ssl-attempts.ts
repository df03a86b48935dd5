import type {Failure} from '../../core/facts/observation.ts'
import type {ConnectionSettings, SslMode} from '../../core/settings.ts'

/**
 * How one connection speaks. `tls-or-plain`: ask for TLS, and go on without on the same connection
 * when the server answers `N`.
 */
export type SslAttempt = 'plain' | 'tls' | 'tls-or-plain'

const manners: Readonly<Record<SslMode, readonly [SslAttempt, ...SslAttempt[]]>> = {
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
 * In the order in which they are tried (PostgreSQL documentation, 34.19.3). Over a unix socket
 * there is no TLS, whatever sslmode says.
 */
export const sslAttempts = (to: ConnectionSettings): readonly [SslAttempt, ...SslAttempt[]] =>
  isUnix(to) ? ['plain'] : manners[to.sslmode]

/**
 * May the next manner be tried after this failure? Only where the other manner can make a
 * difference: pg_hba.conf has no line for this one (28000), or - `prefer` - the handshake failed. A
 * wrong password is not tried twice, as libpq does: it counts against the role.
 */
export const mayRetry = (failure: Failure & {sqlstate: string | null}, manner: SslAttempt): boolean =>
  failure.sqlstate === '28000' || (manner === 'tls-or-plain' && failure.cause === 'tls')
