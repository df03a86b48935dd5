import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'
import {isNowhere, type Pointer} from './include.ts'
import type {InUse, PgbouncerDatabaseState} from './state.ts'

/** What an operator is told of a PgBouncer: each with what to do. */

/** More than a switch itself takes. */
const longestRetryS = 1

/** A database that cannot be in our file; `null`: it can. */
export function misfitOf(name: string, {dbname, options}: PgbouncerDatabase): string | null {
  if (name === '*')
    return 'the fallback database "*" is left alone: PgBouncer goes on with the old host for who is connected by it, and does not show it, so nothing could be verified; name the databases'
  if (!/^[A-Za-z0-9_.-]+$/.test(name))
    return `database "${name}" is left alone: PgBouncer takes letters, digits, "_", "-" and "." in a name there`
  if (/[\r\n]/.test(`${dbname ?? ''}${options ?? ''}`))
    return `database "${name}" is left alone: its dbname or options have a line break`
  return null
}

export const takenProblem = (include: string): string =>
  `${include} is not ours to write: name a file of our own as include, or empty this one`

export const disabledProblem = (name: string): string =>
  `database "${name}" is disabled by somebody else: ENABLE ${name} when it is to serve`

export const endpointsOf = (inUse: readonly InUse[]): string =>
  [...new Set(inUse.map(({address, port}) => `${address}:${port}`))].toSorted().join(', ')

export const waitingProblem = (name: string, inUse: readonly InUse[]): string =>
  `database "${name}" is paused, and transactions go on at ${endpointsOf(inUse)}: they end by themselves, or PgBouncer goes on without them`

/** After all that the file can do: somebody else has the last word. */
export const awayProblem = (name: string, shown: PgbouncerDatabaseState | undefined, include: string): string =>
  shown === undefined
    ? `PgBouncer has no database "${name}": add "%include ${include}" to pgbouncer.ini, and let PgBouncer's user read that file (its log says what is wrong)`
    : `database "${name}" leads to ${textOf(shown)} (${shown.dbname}), not to where ${include} says: include it, take "${name}" out of pgbouncer.ini, and look into PgBouncer's log${shown.isPaused ? '; it is paused until then' : ''}`

/**
 * After a refused connection PgBouncer leaves a server alone for so long, also when the entry leads
 * to another one by then (seen).
 */
export const retryProblem = (loginRetryS: number | null): readonly string[] =>
  loginRetryS !== null && loginRetryS > longestRetryS
    ? [
        `server_login_retry is ${loginRetryS} s, so after a crash clients wait for up to so long for a primary that is there: set it to 0.2 in pgbouncer.ini`,
      ]
    : []

export const textOf = (pointer: Pointer): string => (isNowhere(pointer) ? 'nowhere' : `${pointer.host}:${pointer.port}`)
