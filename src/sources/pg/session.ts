import type {Facts, Failure} from '../../core/facts/observation.ts'
import {type HostSession, isFailure} from '../../core/ports.ts'
import {type Connection, openConnection, type Route, type Row} from './connection.ts'
import {factsOf} from './facts.ts'
import {failureOf} from './failure.ts'
import type {Patience} from './limits/patience.ts'
import {probeSql} from './probe-sql.ts'
import {askSessionFacts, backendStartText} from './session-facts.ts'

/**
 * object_not_in_prerequisite_state: "recovery is not in progress", after a promotion during the
 * statement.
 */
const promotedMeanwhile = '55000'

/** `timeoutMs`: the longest that one question may take (probe.timeout). */
export async function openSession(route: Route, timeoutMs: number, patience: Patience): Promise<HostSession | Failure> {
  const connection = await openConnection(route, patience)
  if (isFailure(connection)) return failureOf(connection)
  // statement_timeout is twice the probe's own limit: it only ends a backend whose probe has given
  // up. The other two exist in newer versions alone, and would end the session.
  const parameters = {
    statement_timeout: String(2 * timeoutMs),
    idle_session_timeout: '0',
    transaction_timeout: '0',
  }
  patience.begin('question')
  const asked = await askSessionFacts(connection, parameters, patience.signal)
  if (isFailure(asked)) {
    connection.close()
    return failureOf(asked)
  }
  const {facts, isReadOnlyByRole} = asked
  const probe = {name: 'pgroute66_probe', text: probeSql(facts.serverVersion)}
  return {
    facts,
    async probe({nudge}, signal): Promise<Facts | Failure> {
      const question = {...probe, values: [nudge]}
      const answered = route.roundTrips.begin()
      let rows = await connection.ask(question, signal)
      if (isFailure(rows) && rows.sqlstate === promotedMeanwhile) rows = await connection.ask(question, signal)
      if (isFailure(rows)) return failureOf(rows)
      answered()
      const found = factsOf(rows[0] as Row)
      return isReadOnlyByRole ? {...found, readOnly: found.inRecovery} : found
    },
    hasBackend: (pid, backendStart, signal) => hasBackend(connection, pid, backendStart, signal),
    onClosed: connection.onClosed,
    close: connection.close,
  }
}

async function hasBackend(
  connection: Connection,
  pid: number,
  backendStart: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  const text = `select ${backendStartText} as backend_start from pg_stat_get_activity($1::int)`
  const rows = await connection.ask({name: 'pgroute66_backend', text, values: [pid]}, signal)
  if (isFailure(rows)) return null
  const [row] = rows
  if (!row) return false
  // The row is visible, but without the privilege its columns are null: unknown.
  return row.backend_start === null ? null : row.backend_start === backendStart
}
