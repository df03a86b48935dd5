import type {OpenConsole} from '../actuators/pgbouncer/console.ts'
import {type Clock, isFailure} from '../core/ports.ts'
import type {ConnectionSettings} from '../core/settings.ts'
import {openLine} from '../sources/pg/line.ts'
import {names} from '../sources/pg/names.ts'
import type {Refusal} from '../sources/pg/refusal.ts'

/**
 * PgBouncer's admin console by the same machinery as PostgreSQL: sslmode, password files and time
 * limits mean the same.
 */
export function pgbouncerConsole(clock: Clock): OpenConsole {
  const lookup = names(clock)
  return async (admin, signal) => {
    const line = await openLine({to: admin, names: lookup, lines: new Set()}, signal)
    if (isFailure(line)) throw new Error(wordsFor(line, admin))
    return {
      async ask(text) {
        // Text alone: pg then sends a simple query.
        const rows = await line.ask({text}, signal)
        if (isFailure(rows)) throw new Error(`PgBouncer refused "${text}": ${rows.detail}`)
        return rows
      },
      [Symbol.dispose]: () => line.close(),
    }
  }
}

/** The advice for a PostgreSQL role would mislead here. */
function wordsFor({cause, sqlstate, detail}: Refusal, {user, dbname}: ConnectionSettings): string {
  if (cause === 'auth' || sqlstate === '08P01')
    return `PgBouncer does not let user "${user}" into "${dbname}": check the password (plain here: in admin, password_file or .pgpass), and admin_users in pgbouncer.ini (${detail})`
  if (cause === 'refused') return `PgBouncer does not run there, or listens elsewhere: ${detail}`
  return `PgBouncer's console cannot be reached (${cause}): ${detail}`
}
