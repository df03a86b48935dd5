import {causeOfErrno, causeOfSqlstate} from '../../core/facts/causes.ts'
import type {Failure} from '../../core/facts/observation.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import type {Cause} from '../../core/vocabulary.ts'
import {adviceOf} from './advice.ts'

/**
 * A failure as this folder hands it around: with the SQLSTATE, where the server gave one, for
 * decisions that `cause` is too coarse for.
 */
export type PgFailure = Failure & Readonly<{sqlstate: string | null}>

export const pgFailure = (cause: Cause, detail: string, sqlstate: string | null = null): PgFailure => ({
  cause,
  detail,
  sqlstate,
})

/**
 * What leaves this folder has the two fields of a Failure and nothing else: it ends up in
 * snapshots.
 */
export const failureOf = ({cause, detail}: Failure): Failure => ({cause, detail})

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined

/** A server's error has a SQLSTATE and a severity; node's errors have a `code` that is a name. */
const sqlstateOf = (error: unknown): string | null => {
  const code = field(error, 'code')
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && field(error, 'severity') !== undefined ? code : null
}

/** One line, bounded: it may be a server's, in any language, and it goes to logs and screens. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)

const noSuchNetworkHere: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH'])

/**
 * Any error of node, pg or the server, as a value. `otherwise` is the cause of an error without a
 * code: pg's own complaints, whose texts are not a contract.
 */
export function failureFrom(error: unknown, to: ConnectionSettings, otherwise: Cause = 'error'): PgFailure {
  const text = error instanceof Error ? oneLine(error.message) : 'unknown error'
  const sqlstate = sqlstateOf(error)
  if (sqlstate !== null)
    return pgFailure(
      causeOfSqlstate(sqlstate),
      adviceOf(sqlstate, to, `PostgreSQL says: ${text} (${sqlstate})`),
      sqlstate,
    )

  // Several addresses were tried. "Refused" speaks against a host, so all of them must have refused
  // for it to be said - all that this machine can reach at all: `localhost` is ::1 as well, also
  // where IPv6 is off.
  const tried = field(error, 'errors')
  if (Array.isArray(tried) && tried.length > 0) {
    const reachable = tried.filter((one) => !noSuchNetworkHere.has(String(field(one, 'code'))))
    const each = (reachable.length > 0 ? reachable : tried).map((one) => failureFrom(one, to, otherwise))
    return each.find(({cause}) => cause !== 'refused') ?? (each[0] as PgFailure)
  }
  const code = field(error, 'code')
  if (typeof code === 'string') return pgFailure(causeOfErrno(code), adviceOf(code, to, text))
  return pgFailure(otherwise, text)
}
