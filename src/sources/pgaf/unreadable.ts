import type {SqlFailure} from '../../core/evidence/sql-session.ts'
import {pgafGrants} from '../../core/ha-tools/pgaf.ts'
import type {PgafSettings} from '../../core/settings.ts'
import {isBlind} from '../../core/vocabulary.ts'

/** Why the monitor cannot be asked, and what to run. `isBlind`: the operator has to act. */
export function unreadable(
  {sqlstate, cause, detail}: SqlFailure,
  {monitor}: PgafSettings,
): Readonly<{detail: string; isBlind: boolean}> {
  const {user, dbname, host, port} = monitor
  const table = 'pgautofailover.node'
  const where = `the monitor at ${host}:${port}`
  const grants = pgafGrants(user).join(' ')
  const isNoMonitor = `database "${dbname}" at ${host}:${port} is not that of a monitor: correct pgaf.monitor`
  const advice: Readonly<Record<string, string>> = {
    '42501': `user "${user}" may not read ${table} of ${where}; as a superuser in its database "${dbname}": ${grants}`,
    '3D000': `there is no database "${dbname}" at ${where}: correct pgaf.monitor`,
    '3F000': isNoMonitor,
    '42P01': isNoMonitor,
    '42703': `${table} of ${where} lacks a column that pg_auto_failover 1.6 has: upgrade it`,
  }
  const known = sqlstate === null ? undefined : advice[sqlstate]
  if (known !== undefined) return {detail: known, isBlind: true}
  return {detail: `${where} cannot be asked: ${detail}`, isBlind: isBlind(cause)}
}
