import type {Facts, Failure} from '../../core/facts/observation.ts'
import {type HostSession, isFailure} from '../../core/ports.ts'
import {type Connection, openConnection, type Route, type Row} from './connection.ts'
import {factsOf} from './facts.ts'
import {failureOf} from './failure.ts'
import {probeSql} from './probe-sql.ts'
import {askSessionFacts, backendStartText} from './session-facts.ts'

/**
 * object_not_in_prerequisite_state: "recovery is not in progress", after a promotion in the middle
 * of the statement.
 */
const promotedMeanwhile = '55000'

/** `timeoutMs`: the longest that one question may take (probe.timeout). */
export async function openSession(
  route: Route,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HostSession | Failure> {
  const line = await openConnection(route, signal)
  if (isFailure(line)) return failureOf(line)
  // By the time the server gives up, we have: it is there to end a backend that we abandoned, not
  // to answer. The others undo what may be set for our role or database, so that a probe is neither
  // cancelled nor kept from a log by it.
  const parameters = {
    statement_timeout: String(2 * timeoutMs),
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    search_path: 'pg_catalog',
  }
  const facts = await askSessionFacts(line, parameters, signal)
  if (isFailure(facts)) {
    line.close()
    return failureOf(facts)
  }
  const probe = {name: 'pgroute66_probe', text: probeSql(facts.serverVersion)}
  return {
    facts,
    async probe({nudge}, signal): Promise<Facts | Failure> {
      const question = {...probe, values: [nudge]}
      let rows = await line.ask(question, signal)
      if (isFailure(rows) && rows.sqlstate === promotedMeanwhile) rows = await line.ask(question, signal)
      return isFailure(rows) ? failureOf(rows) : factsOf(rows[0] as Row)
    },
    hasBackend: (pid, backendStart, signal) => hasBackend(line, pid, backendStart, signal),
    onClosed: line.onClosed,
    close: line.close,
  }
}

async function hasBackend(
  line: Connection,
  pid: number,
  backendStart: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  const text = `select ${backendStartText} as backend_start from pg_stat_get_activity($1::int)`
  const rows = await line.ask({name: 'pgroute66_backend', text, values: [pid]}, signal)
  if (isFailure(rows)) return null
  const [row] = rows
  if (!row) return false
  // The row is there, its columns are not ours to read.
  return row.backend_start === null ? null : row.backend_start === backendStart
}
