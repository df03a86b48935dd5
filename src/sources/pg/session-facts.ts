import type {SessionFacts} from '../../core/facts/observation.ts'
import {isFailure} from '../../core/ports.ts'
import type {Connection, Row} from './connection.ts'
import {type PgFailure, pgFailure} from './failure.ts'
import type {Patience} from './limits/patience.ts'
import {askInParts, deniedBy} from './parts/ask-in-parts.ts'
import type {Known} from './parts/known.ts'
import {expressionOf, type Parts, part} from './parts/part.ts'

/**
 * Parameters to set in a session, by name. Milliseconds are bare numbers, as in postgresql.conf.
 */
export type SessionParameters = Readonly<Record<string, string>>

/**
 * The start time of a backend as text. Independent of the session's TimeZone and DateStyle, because
 * two sessions compare their texts.
 */
export const backendStartText = `to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** The parts of the question that a server may deny. */
export const sessionParts: Parts = {
  pid: part('whether this is a pooler', 'pg_backend_pid()', 'pg_backend_pid()', 'null::int'),
  cluster: part(
    'the system identifier',
    'pg_control_system()',
    '(select system_identifier::text from pg_control_system())',
    'null::text',
  ),
  version: part(null, 'current_setting(text)', `current_setting('server_version_num')::int`, 'null::int'),
  name: part('cluster_name', 'current_setting(text)', `nullif(current_setting('cluster_name'), '')`, 'null::text'),
  logged: part(null, 'current_setting(text)', `current_setting('log_connections')`, 'null::text'),
  started: part(
    'the start of the server',
    'pg_postmaster_start_time()',
    '(extract(epoch from pg_postmaster_start_time()) * 1000)::float8',
    'null::float8',
  ),
  backend: part(
    'the start of the session',
    ['pg_stat_get_activity(integer)', 'pg_backend_pid()'],
    `(select ${backendStartText} from pg_stat_get_activity(pg_backend_pid()))`,
    'null::text',
  ),
  role: part(
    'whether the role alone is read-only',
    ['pg_settings', 'pg_show_all_settings()'],
    `(select source in ('user', 'database user') from pg_settings
    where name = 'default_transaction_read_only')`,
    'null::boolean',
  ),
  limits: part(
    'whether the limits of the session are set',
    ['set_config(text, text, boolean)', 'current_setting(text, boolean)', 'pg_backend_pid()'],
    `case when pg_backend_pid() = pid then
    (select count(set_config(name, value, false)) from unnest(names, wanted) as wanted (name, value)
      where current_setting(name, true) is not null) end`,
    'null::bigint',
  ),
}

/**
 * $1: the backend's pid from BackendKeyData; $2, $3: names and values of parameters. They are set
 * only if the pid matches: behind a pooler they would stay on a connection that other clients use
 * next. A parameter that this version does not know is left out. pg_stat_get_activity() is the
 * function under pg_stat_activity, with the same privileges: a new backend needs longer to load the
 * view's definition than to answer.
 */
export function sessionSql(without: ReadonlySet<string> = new Set()): string {
  const sql = expressionOf(sessionParts, without)
  return `with given as (select $1::int as pid, $2::text[] as names, $3::text[] as wanted)
select ${sql('pid')} as backend_pid,
  ${sql('cluster')} as system_identifier,
  ${sql('version')} as server_version,
  ${sql('name')} as cluster_name,
  ${sql('logged')} as log_connections,
  ${sql('started')} as started_at,
  ${sql('backend')} as backend_start,
  ${sql('role')} as read_only_by_role,
  ${sql('limits')} as parameters_set,
  has_function_privilege('pg_ls_waldir()', 'execute') as may_list_wal
from given`
}

/** `isReadOnlyByRole`: the role sets default_transaction_read_only, which says nothing about the server. */
export type AskedSession = Readonly<{
  facts: SessionFacts
  /** It is proven that no pooler lies between; `false`: unknown. */
  isDirect: boolean
  isReadOnlyByRole: boolean
  mayListWal: boolean
}>

/**
 * One round trip, once per session; more where the server denies something. Each has the limit of a
 * step.
 */
export async function askSessionFacts(
  connection: Connection,
  parameters: SessionParameters,
  patience: Patience,
  known: Known,
): Promise<AskedSession | PgFailure> {
  const {signal} = patience
  const values = [connection.backendPid, Object.keys(parameters), Object.values(parameters)]
  const ask = (without: ReadonlySet<string>) => {
    patience.begin('question')
    return connection.ask({text: sessionSql(without), values}, signal)
  }
  const deniedOf = (needs: readonly string[]) => {
    patience.begin('question')
    return deniedBy(connection, signal)(needs)
  }
  await known.isRegranted(deniedOf)
  const asked = await askInParts({parts: sessionParts, known: known.session, ask, deniedOf})
  if (isFailure(asked)) return asked
  const row = asked[0] as Row
  if (row.backend_pid !== null && row.backend_pid !== connection.backendPid)
    return pgFailure(
      'error',
      `this is a connection pooler, not PostgreSQL ` +
        `(it announced backend ${connection.backendPid}, and ${row.backend_pid} answered): ` +
        `point host and port at PostgreSQL itself`,
    )
  const serverVersion = (row.server_version as number | null) ?? (await shownVersion(connection, signal))
  if (typeof serverVersion !== 'number') return serverVersion
  if (serverVersion < 100_000)
    return pgFailure('error', `PostgreSQL ${serverVersion} is too old: this host needs version 10 or later`)
  if (known.isOutdatedBy(serverVersion)) return await askSessionFacts(connection, parameters, patience, known)
  const facts: SessionFacts = {
    systemIdentifier: row.system_identifier as string | null,
    serverVersion,
    clusterName: row.cluster_name as string | null,
    startedAt: row.started_at === null ? null : Math.round(row.started_at as number),
    backendPid: connection.backendPid,
    backendStart: row.backend_start as string | null,
    remoteAddress: connection.remoteAddress,
    ...(logsKnocks(row.log_connections) && {logsKnocks: true}),
    ...(connection.certificateEndsAt !== null && {certificateEndsAt: connection.certificateEndsAt}),
  }
  return {
    facts,
    isDirect: row.backend_pid !== null,
    isReadOnlyByRole: row.read_only_by_role === true,
    mayListWal: row.may_list_wal === true,
  }
}

/**
 * `on` and `off`. PostgreSQL 18 has a text, shown as it was written: a boolean, or a list of stages,
 * of which a knock reaches the first.
 */
export const logsKnocks = (setting: unknown): boolean =>
  /^\W*(on|true|yes|1)\W*$|\b(all|receipt)\b/i.test(String(setting))

/** SHOW is no function, so nothing can be denied. */
async function shownVersion(connection: Connection, signal: AbortSignal): Promise<number | PgFailure> {
  const rows = await connection.ask({text: 'show server_version_num'}, signal)
  return isFailure(rows) ? rows : Number(rows[0]?.server_version_num)
}
