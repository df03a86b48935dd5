import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'
import {isNowhere, type Pointer} from './include.ts'
import type {InUse, PgbouncerDatabaseState} from './state.ts'

/** The problems of a PgBouncer, as an operator reads them: each says what to do. */

/** A switch takes less. */
const longestRetryS = 1

/** Why a database cannot be in the include file; `null`: it can. */
export function misfitOf(name: string, {dbname, options}: PgbouncerDatabase): string | null {
  if (name === '*')
    return [
      'database "*" is not managed: PgBouncer keeps clients connected through it on the old host',
      'and does not list them, so a switch cannot be verified. List the databases by name',
    ].join(' ')
  if (!/^[A-Za-z0-9_.-]+$/.test(name))
    return [
      `database "${name}" is not managed: PgBouncer takes only letters, digits, "_", "-" and "." in this name.`,
      'Use such a name, and set dbname to the name on the server',
    ].join(' ')
  if (/[\r\n]/.test(`${dbname ?? ''}${options ?? ''}`))
    return `database "${name}" is not managed: its dbname or options contain a line break. Remove the line break`
  return null
}

export const takenProblem = (include: string): string =>
  `${include} was not written by pgroute66, so it is left alone: empty this file, or set include to another one`

/** `folders`: each unix_socket_dir that a process behind the address has shown. */
export type SharedAddress = Readonly<{address: string; isPortShared: boolean; folders: readonly string[]}>

/** An address is not a process: what goes to one process must not be answered by another. */
export function sharedProblem({address, isPortShared, folders}: SharedAddress): string {
  const what = isPortShared
    ? `so_reuseport is 1, so ${address} may lead to several PgBouncer processes`
    : `${address} leads to several PgBouncer processes`
  const named = folders.length > 0 ? ` (${folders.join(', ')})` : ''
  return [
    `${what}: pgroute66 pauses no database there, and RELOAD may miss a process.`,
    `Write one entry for each process, with its unix_socket_dir${named} as host in admin`,
  ].join(' ')
}

export const disabledProblem = (name: string): string =>
  `database "${name}" is disabled in PgBouncer: run "ENABLE ${name}" on its console when the database shall serve`

export const endpointsOf = (inUse: readonly InUse[]): string =>
  [...new Set(inUse.map(({address, port}) => `${address}:${port}`))].toSorted().join(', ')

export const waitingProblem = (name: string, inUse: readonly InUse[]): string =>
  [
    `database "${name}" is paused while transactions at ${endpointsOf(inUse)} end.`,
    'PgBouncer resumes without them when the pause is over',
  ].join(' ')

/** After all that the include file can do: pgbouncer.ini has the last word. */
export function awayProblem(name: string, shown: PgbouncerDatabaseState | undefined, include: string): string {
  if (shown === undefined)
    return [
      `PgBouncer has no database "${name}": add "%include ${include}" to pgbouncer.ini,`,
      "and let PgBouncer's user read that file. PgBouncer's log says what is wrong",
    ].join(' ')
  return [
    `database "${name}" leads to ${textOf(shown)} (${shown.dbname}), not to the host in ${include}:`,
    `add "%include ${include}" to pgbouncer.ini, remove "${name}" from pgbouncer.ini,`,
    `and read PgBouncer's log${shown.isPaused ? '. The database stays paused until then' : ''}`,
  ].join(' ')
}

/**
 * After a refused connection PgBouncer does not connect to a server for this time, even if the
 * entry leads to another server by then (seen).
 */
export function retryProblem(loginRetryS: number | null): readonly string[] {
  if (loginRetryS === null || loginRetryS <= longestRetryS) return []
  const what = `after a crash clients may wait up to ${loginRetryS} s although a primary is available`
  return [`server_login_retry is ${loginRetryS} s: ${what}. Set server_login_retry = 0.2 in pgbouncer.ini`]
}

export const textOf = (pointer: Pointer): string => (isNowhere(pointer) ? 'nowhere' : `${pointer.host}:${pointer.port}`)
