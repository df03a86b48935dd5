import type {SqlFailure} from '../../core/evidence/sql-session.ts'
import {repmgrGrants} from '../../core/ha-tools/repmgr.ts'
import type {HostSettings, RepmgrSettings} from '../../core/settings.ts'
import {sqlIdentifier} from '../../core/sql-quoting.ts'
import {isBlind} from '../../core/vocabulary.ts'

/** Why a host's table cannot be read, and what to run. `isBlind`: the operator has to act. */
export function unreadable(
  failure: SqlFailure,
  {name, connection: {user}}: HostSettings,
  settings: RepmgrSettings,
): Readonly<{detail: string; isBlind: boolean}> {
  const {dbname, schema} = settings
  const table = `${sqlIdentifier(schema)}.nodes in database "${dbname}" of ${name}`
  const grants = repmgrGrants(user, settings).join(' ')
  const advice: Readonly<Record<string, string>> = {
    '42501': `user "${user}" may not read ${table}; as a superuser, on the primary, in that database, run: ${grants}`,
    '3D000': `there is no database "${dbname}" on ${name}: set repmgr.dbname to the one with repmgr's tables`,
    '3F000': `there is no ${table}: set repmgr.schema and repmgr.dbname to those of repmgr's tables`,
    '42P01': `there is no ${table}: set repmgr.schema and repmgr.dbname to those of repmgr's tables`,
    '42703': `${table} lacks a column that repmgr 5 has: upgrade repmgr`,
  }
  const known = failure.sqlstate === null ? undefined : advice[failure.sqlstate]
  if (known !== undefined) return {detail: known, isBlind: true}
  return {detail: `${table} cannot be read: ${failure.detail}`, isBlind: isBlind(failure.cause)}
}
