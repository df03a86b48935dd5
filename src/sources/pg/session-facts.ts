import type {SessionFacts} from '../../core/facts/observation.ts'
import {isFailure} from '../../core/ports.ts'
import type {Connection, Row} from './connection.ts'
import {type PgFailure, pgFailure} from './failure.ts'

/**
 * Parameters that our session wants, by name. Milliseconds are bare numbers, as in postgresql.conf.
 */
export type SessionParameters = Readonly<Record<string, string>>

/**
 * The start of a backend in one spelling, whatever TimeZone and DateStyle the asking session has:
 * it is compared across sessions.
 */
export const backendStartText = `to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/**
 * $1: the backend's pid by BackendKeyData, $2/$3: names and values of parameters. They are set only
 * on a backend that is ours alone: behind a pooler they would stay on a connection that other
 * clients use next. One that this version does not know is left out. The function under
 * pg_stat_activity, with the same rules for who sees what: a new backend takes longer to learn of
 * the view than to answer.
 */
const question = `select pg_backend_pid() as backend_pid,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  current_setting('server_version_num')::int as server_version,
  nullif(current_setting('cluster_name'), '') as cluster_name,
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as started_at,
  (select ${backendStartText} from pg_stat_get_activity(pg_backend_pid())) as backend_start,
  (select source in ('user', 'database user') from pg_settings
    where name = 'default_transaction_read_only') as read_only_by_role,
  case when pg_backend_pid() = $1::int then
    (select count(set_config(name, value, false)) from unnest($2::text[], $3::text[]) as wanted (name, value)
      where current_setting(name, true) is not null) end as parameters_set`

/** `isReadOnlyByRole`: default_transaction_read_only is set for our role, and says nothing of the server. */
export type AskedSession = Readonly<{facts: SessionFacts; isReadOnlyByRole: boolean}>

/** One round trip, once per session. */
export async function askSessionFacts(
  line: Connection,
  parameters: SessionParameters,
  signal: AbortSignal,
): Promise<AskedSession | PgFailure> {
  const values = [line.backendPid, Object.keys(parameters), Object.values(parameters)]
  const rows = await line.ask({text: question, values}, signal)
  if (isFailure(rows)) return rows
  const row = rows[0] as Row
  if (row.backend_pid !== line.backendPid)
    return pgFailure(
      'error',
      `this is a connection pooler, not PostgreSQL (it announced backend ${line.backendPid}, and ${row.backend_pid} answered): point host and port at PostgreSQL itself`,
    )
  const serverVersion = row.server_version as number
  if (serverVersion < 100_000)
    return pgFailure('error', `PostgreSQL ${serverVersion} is too old: this host needs version 10 or later`)
  const facts: SessionFacts = {
    systemIdentifier: row.system_identifier as string,
    serverVersion,
    clusterName: row.cluster_name as string | null,
    startedAt: row.started_at === null ? null : Math.round(row.started_at as number),
    backendPid: line.backendPid,
    backendStart: row.backend_start as string | null,
    remoteAddress: line.remoteAddress,
  }
  return {facts, isReadOnlyByRole: row.read_only_by_role as boolean}
}
