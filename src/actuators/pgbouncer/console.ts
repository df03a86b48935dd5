import type {Failure} from '../../core/facts/observation.ts'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'

export type Row = Readonly<Record<string, unknown>>

/** A session on a PgBouncer's admin console. */
export interface Console extends Disposable {
  /** The session has ended, for whatever reason. */
  readonly isOver: boolean
  /**
   * One simple query (the console takes no others). Rejects with an Error for an operator: PgBouncer
   * refused, the connection is lost, or `signal` has aborted, which ends the session.
   */
  ask(command: string, signal: AbortSignal): Promise<readonly Row[]>
}

/** What reads a PgBouncer: commands, one after the other, to one process. */
export type Asks = Readonly<{ask: (command: string) => Promise<readonly Row[]>}>

/** Where the console is, in messages and in the name of the actuator. */
export const placeOf = ({host, hostaddr, port}: ConnectionSettings): string => `${hostaddr ?? host}:${port}`

/** Opens a session within `signal`. Rejects with an Error for an operator. */
export type OpenConsole = (admin: ConnectionSettings, signal: AbortSignal) => Promise<Console>

/** The part of a PostgreSQL connection that the console needs. `ask` and `close` never throw. */
export interface ConsoleConnection {
  readonly isOver: boolean
  /** A text without name and values is sent as a simple query. */
  ask(question: Readonly<{text: string}>, signal: AbortSignal): Promise<readonly Row[] | Failure>
  close(): void
}
type ConnectFailure = Failure & Readonly<{sqlstate: string | null}>

/**
 * Opens a connection. app/serve passes the opener of PostgreSQL hosts, so that sslmode, password
 * files and time limits mean the same for PgBouncer.
 */
export type ConnectConsole = (
  admin: ConnectionSettings,
  signal: AbortSignal,
) => Promise<ConsoleConnection | ConnectFailure>

/** PgBouncer's admin console over connections opened by `connect`. */
export const consoleOver =
  (connect: ConnectConsole): OpenConsole =>
  async (admin, signal) => {
    const connection = await connect(admin, signal)
    if (isFailure(connection)) throw new Error(adviceFor(connection, admin))
    return {
      get isOver() {
        return connection.isOver
      },
      async ask(text, signal) {
        const rows = await connection.ask({text}, signal)
        if (isFailure(rows)) throw new Error(`PgBouncer refused "${text}": ${rows.detail}`)
        return rows
      },
      [Symbol.dispose]: () => connection.close(),
    }
  }

/** Not the advice for a PostgreSQL role: a console has users of its own. */
function adviceFor({cause, sqlstate, detail}: ConnectFailure, {user, dbname}: ConnectionSettings): string {
  if (cause === 'auth' || sqlstate === '08P01')
    return [
      `PgBouncer does not let user "${user}" into "${dbname}" (${detail}): check the password,`,
      'which must be in clear text in admin, password_file or .pgpass, and admin_users in pgbouncer.ini',
    ].join(' ')
  if (cause === 'refused') return `PgBouncer does not run at the address of admin, or listens elsewhere: ${detail}`
  return `PgBouncer's console cannot be reached (${cause}): ${detail}`
}
