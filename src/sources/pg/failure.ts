import {causeOfErrno, causeOfSqlstate} from '../../core/facts/causes.ts'
import type {Failure} from '../../core/facts/observation.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import type {Cause} from '../../core/vocabulary.ts'
import {adviceOf} from './advice.ts'

/**
 * A failure inside this folder: with the SQLSTATE, if the server sent one, for decisions that need
 * more than `cause`.
 */
export type PgFailure = Failure & Readonly<{sqlstate: string | null}>

export const pgFailure = (cause: Cause, detail: string, sqlstate: string | null = null): PgFailure => ({
  cause,
  detail,
  sqlstate,
})

/**
 * A failure that leaves this folder. It has the fields of a Failure and no others, because it
 * becomes part of snapshots.
 */
export const failureOf = ({cause, detail, isStopping, isOrdered}: Failure): Failure => ({
  cause,
  detail,
  ...(isStopping && {isStopping}),
  ...(isOrdered && {isOrdered}),
})

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined

/** An error of the server has a SQLSTATE and a severity; an error of node has a name as `code`. */
const sqlstateOf = (error: unknown): string | null => {
  const code = field(error, 'code')
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && field(error, 'severity') !== undefined ? code : null
}

/**
 * Whose limit refuses the session, by the function of PostgreSQL that says so (the field "R" of the
 * error, which is in no language): `InitializeSessionUserId` of miscinit.c is about the role,
 * `CheckMyDatabase` of postinit.c about the database. The server has room for others: this is for the
 * operator to raise, as a refused login is. `null`: the server itself is full.
 */
const ownLimitOf = (routine: unknown, {user, dbname}: ConnectionSettings): string | null =>
  routine === 'InitializeSessionUserId'
    ? `role "${user}" has all the sessions that its own limit allows: ALTER ROLE … CONNECTION LIMIT, for each daemon ` +
      'and check that logs in as this role'
    : routine === 'CheckMyDatabase'
      ? `database "${dbname}" has all the sessions that its own limit allows: ALTER DATABASE … CONNECTION LIMIT`
      : null

/** One line of bounded length, for logs and screens. The text may be a server's, in any language. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)

const noSuchNetworkHere: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH'])

/**
 * Any error of node, pg or the server, as a value. `otherwise` is the cause of an error without a
 * code: pg's own complaints, whose texts are not a contract.
 */
export function failureFrom(error: unknown, to: ConnectionSettings, otherwise: Cause = 'error'): PgFailure {
  const text = error instanceof Error ? oneLine(error.message) : 'unknown error'
  const sqlstate = sqlstateOf(error)
  const limit = sqlstate === '53300' ? ownLimitOf(field(error, 'routine'), to) : null
  if (limit !== null) return pgFailure('auth', `${limit} (PostgreSQL says: ${text}, 53300)`, sqlstate)
  if (sqlstate !== null)
    return pgFailure(
      causeOfSqlstate(sqlstate),
      adviceOf(sqlstate, to, `PostgreSQL says: ${text} (${sqlstate})`),
      sqlstate,
    )

  // node tried several addresses. The host counts as `refused` only if every address refused. An
  // address in a network that this machine does not have is left out: `localhost` is ::1 as well,
  // also where IPv6 is off.
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
