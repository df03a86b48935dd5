import type {Facts, Failure} from '../../core/facts/observation.ts'
import {type HostSession, isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {type Connection, openConnection, type Question, type Route, type Row} from './connection.ts'
import {factsOf} from './facts.ts'
import {failureOf, type PgFailure} from './failure.ts'
import type {Patience} from './limits/patience.ts'
import {askInParts, deniedBy} from './parts/ask-in-parts.ts'
import type {Known} from './parts/known.ts'
import {grantsOf} from './parts/part.ts'
import {probeParts, probeSql} from './probe-sql.ts'
import {askSessionFacts, backendStartText} from './session-facts.ts'

/**
 * object_not_in_prerequisite_state: "recovery is not in progress", after a promotion during the
 * statement.
 */
const promotedMeanwhile = '55000'

/** Since this version a server tells that `in_hot_standby` changed. */
const pingedVersion = 140_000

/** `timeoutMs`: the longest that one question may take (probe.timeout). */
export async function openSession(
  route: Route,
  timeoutMs: number,
  patience: Patience,
  known: Known,
): Promise<HostSession | Failure> {
  const connection = await openConnection(route, patience)
  if (isFailure(connection)) return failureOf(connection)
  // statement_timeout is twice the probe's own limit: it only ends a backend whose probe has given
  // up. The other two exist in newer versions alone, and would end the session.
  const parameters = {
    statement_timeout: String(2 * timeoutMs),
    idle_session_timeout: '0',
    transaction_timeout: '0',
  }
  const asked = await askSessionFacts(connection, parameters, patience, known)
  if (isFailure(asked)) {
    connection.close()
    return failureOf(asked)
  }
  const {facts, isDirect, isReadOnlyByRole, mayListWal} = asked
  const abilities = {serverVersion: facts.serverVersion, mayListWal}
  const parts = probeParts(abilities)
  return {
    facts,
    pings: isDirect && facts.serverVersion >= pingedVersion && !route.trials?.isMuted ? connection.pings : null,
    async probe({nudge}, signal): Promise<Facts | Failure> {
      const deniedOf = deniedBy(connection, signal)
      if (known.isCheckDue && (await known.isRegranted(deniedOf))) {
        connection.close()
        return {cause: 'closed', detail: 'closed by pgroute66, to ask again for facts that were denied'}
      }
      const ask = (without: ReadonlySet<string>) => {
        const text = probeSql(abilities, without)
        // pg refuses one name for two texts. A question of the search is asked once, and has none.
        const isLasting = known.probe.suspects.length === 0
        const name = isLasting ? {name: `pgroute66_probe_${known.probe.edition}`} : {}
        return askProbe(connection, {...name, text, values: [nudge]}, route, signal)
      }
      const rows = await askInParts({parts, known: known.probe, ask, deniedOf})
      if (isFailure(rows)) return failureOf(explained(rows, route.to))
      const found = factsOf(rows[0] as Row)
      return isReadOnlyByRole ? {...found, readOnly: found.inRecovery} : found
    },
    hasBackend: (pid, backendStart, signal) => hasBackend(connection, pid, backendStart, signal),
    onClosed: connection.onClosed,
    close: connection.close,
  }
}

/** One round trip, and its time counts; two after a promotion. */
async function askProbe(connection: Connection, question: Question, {roundTrips}: Route, signal: AbortSignal) {
  const answered = roundTrips.begin()
  let rows = await connection.ask(question, signal)
  if (isFailure(rows) && rows.sqlstate === promotedMeanwhile) rows = await connection.ask(question, signal)
  if (!isFailure(rows)) answered()
  return rows
}

/** Only the role of the host is required. */
const explained = (failure: PgFailure, to: ConnectionSettings): PgFailure =>
  failure.sqlstate === '42501'
    ? {
        ...failure,
        detail: `this server denies pg_is_in_recovery(): ${grantsOf(['pg_is_in_recovery()'], to)} (${failure.detail})`,
      }
    : failure

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
