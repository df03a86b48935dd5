import type {SessionFacts} from '../../core/facts/observation.ts'
import {isFailure} from '../../core/ports.ts'
import type {Connection, Row} from './connection.ts'
import {type PgFailure, pgFailure} from './failure.ts'

/**
 * Parameters to set in a session, by name. Milliseconds are bare numbers, as in postgresql.conf.
 */
export type SessionParameters = Readonly<Record<string, string>>

/**
 * The start time of a backend as text. Independent of the session's TimeZone and DateStyle, because
 * two sessions compare their texts.
 */
export const backendStartText = `to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/**
 * $1: the backend's pid from BackendKeyData; $2, $3: names and values of parameters. They are set
 * only if the pid matches: behind a pooler they would stay on a connection that other clients use
 * next. A parameter that this version does not know is left out. pg_stat_get_activity() is the
 * function under pg_stat_activity, with the same privileges: a new backend needs longer to load the
 * view's definition than to answer.
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

/** `isReadOnlyByRole`: the role sets default_transaction_read_only, which says nothing about the server. */
export type AskedSession = Readonly<{facts: SessionFacts; isReadOnlyByRole: boolean}>

/** One round trip, once per session. */
export async function askSessionFacts(
  connection: Connection,
  parameters: SessionParameters,
  signal: AbortSignal,
): Promise<AskedSession | PgFailure> {
  const values = [connection.backendPid, Object.keys(parameters), Object.values(parameters)]
  const rows = await connection.ask({text: question, values}, signal)
  if (isFailure(rows)) return rows
  const row = rows[0] as Row
  if (row.backend_pid !== connection.backendPid)
    return pgFailure(
      'error',
      `this is a connection pooler, not PostgreSQL ` +
        `(it announced backend ${connection.backendPid}, and ${row.backend_pid} answered): ` +
        `point host and port at PostgreSQL itself`,
    )
  const serverVersion = row.server_version as number
  if (serverVersion < 100_000)
    return pgFailure('error', `PostgreSQL ${serverVersion} is too old: this host needs version 10 or later`)
  const facts: SessionFacts = {
    systemIdentifier: row.system_identifier as string,
    serverVersion,
    clusterName: row.cluster_name as string | null,
    startedAt: row.started_at === null ? null : Math.round(row.started_at as number),
    backendPid: connection.backendPid,
    backendStart: row.backend_start as string | null,
    remoteAddress: connection.remoteAddress,
  }
  return {facts, isReadOnlyByRole: row.read_only_by_role as boolean}
}
