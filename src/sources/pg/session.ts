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
  // By the time the server gives up, we have: the limit ends a backend that we abandoned, and is
  // not there to answer. The others are known to newer versions alone, and would end our session.
  const parameters = {
    statement_timeout: String(2 * timeoutMs),
    idle_session_timeout: '0',
    transaction_timeout: '0',
  }
  const asked = await askSessionFacts(line, parameters, signal)
  if (isFailure(asked)) {
    line.close()
    return failureOf(asked)
  }
  const {facts, isReadOnlyByRole} = asked
  const probe = {name: 'pgroute66_probe', text: probeSql(facts.serverVersion)}
  return {
    facts,
    async probe({nudge}, signal): Promise<Facts | Failure> {
      const question = {...probe, values: [nudge]}
      let rows = await line.ask(question, signal)
      if (isFailure(rows) && rows.sqlstate === promotedMeanwhile) rows = await line.ask(question, signal)
      if (isFailure(rows)) return failureOf(rows)
      const found = factsOf(rows[0] as Row)
      return isReadOnlyByRole ? {...found, readOnly: found.inRecovery} : found
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
