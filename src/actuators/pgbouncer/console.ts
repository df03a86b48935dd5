import type {Failure} from '../../core/facts/observation.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'

export type Row = Readonly<Record<string, unknown>>

/** A session on a PgBouncer's admin console. */
export interface Console extends Disposable {
  /**
   * One simple query (the console takes no others). Rejects with an Error for an operator: PgBouncer
   * refused, the connection is lost, or the `signal` given to `OpenConsole` has aborted.
   */
  ask(command: string): Promise<readonly Row[]>
}

/** Opens a session. Rejects with an Error for an operator. */
export type OpenConsole = (admin: ConnectionSettings, signal: AbortSignal) => Promise<Console>

/** The part of a PostgreSQL connection that the console needs. `ask` and `close` never throw. */
export interface ConsoleConnection {
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
      async ask(text) {
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

/**
 * PgBouncer answers PAUSE only after the last transaction. The pause begins as soon as PgBouncer
 * has read the command, and holds even if the connection closes (seen).
 */
const pauseWaitMs = 20

/**
 * A console that does not wait for transactions: while PAUSE waits on one connection, the next
 * command uses a new one.
 */
export class ReopeningConsole implements Disposable {
  readonly #open: () => Promise<Console>
  readonly #clock: Clock
  #console: Console

  private constructor(open: () => Promise<Console>, console: Console, clock: Clock) {
    this.#open = open
    this.#console = console
    this.#clock = clock
  }

  static async open(open: () => Promise<Console>, clock: Clock): Promise<ReopeningConsole> {
    return new ReopeningConsole(open, await open(), clock)
  }

  ask(text: string): Promise<readonly Row[]> {
    return this.#console.ask(text)
  }

  async command(verb: 'PAUSE' | 'KILL' | 'RESUME', database: string): Promise<void> {
    // Other names need quotes, as in SQL (seen: PgBouncer calls `PAUSE app-ro` an invalid command).
    const answer = this.ask(`${verb} ${/^[a-z_][a-z0-9_]*$/.test(database) ? database : `"${database}"`}`)
    if (verb !== 'PAUSE') return void (await answer)
    const {promise, resolve} = Promise.withResolvers<'waits'>()
    const cancel = this.#clock.after(pauseWaitMs, () => resolve('waits'))
    if ((await Promise.race([answer, promise]).finally(cancel)) !== 'waits') return
    this.#console[Symbol.dispose]()
    this.#console = await this.#open()
  }

  [Symbol.dispose](): void {
    this.#console[Symbol.dispose]()
  }
}
