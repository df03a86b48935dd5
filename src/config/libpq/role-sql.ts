import {pgafGrants} from '../../core/ha-tools/pgaf.ts'
import {repmgrGrants} from '../../core/ha-tools/repmgr.ts'
import type {RepmgrSettings} from '../../core/settings.ts'
import {sqlIdentifier as identifier} from '../../core/sql-quoting.ts'

/**
 * The SQL for the smallest role that can watch a cluster. The operator runs it once, on the primary.
 * `table`: that of the heartbeat, or `null`.
 */
export function roleSql(user: string, dbname: string, table: string | null): string {
  const role = identifier(user)
  const [schema, ...rest] = (table ?? '').split('.')
  const sql = `-- Run this with psql, as a superuser, on the primary. Standbys get the role by replication.
-- The role needs LOGIN and pg_read_all_stats, and no more. Not pg_monitor: it contains pg_read_all_settings,
-- and with that the role could read the replication password in primary_conninfo.
CREATE ROLE ${role} LOGIN;
GRANT pg_read_all_stats TO ${role};
GRANT CONNECT ON DATABASE ${identifier(dbname)} TO ${role};

-- Optional: lets pgroute66 see the timelines of the WAL on a standby's disk, and so an old primary that returns.
-- GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO ${role};

-- Then set its password. psql asks for it, so the password gets into no history and no log:
-- \\password ${role}
`
  if (table === null) return sql
  const inSchema = identifier(rest.length > 0 ? (schema ?? 'public') : 'public')
  return `${sql}
-- For "availability": the first heartbeat creates ${table}. Run this in the database ${dbname}:
GRANT USAGE, CREATE ON SCHEMA ${inSchema} TO ${role};
`
}

/**
 * What lets the role read repmgr's table, as a continuation of `roleSql`: psql's \\connect changes the
 * database. The witness is another cluster, so it does not get the role by replication.
 */
export function repmgrSql(user: string, settings: Pick<RepmgrSettings, 'dbname' | 'schema'>): string {
  const [role, database] = [identifier(user), identifier(settings.dbname)]
  const grants = [`GRANT CONNECT ON DATABASE ${database} TO ${role};`, ...repmgrGrants(user, settings)].join('\n')
  return `
-- For "repmgr": its table of nodes, without conninfo, which may hold a password. On the primary:
\\connect ${settings.dbname}
${grants}

-- The witness is another cluster, and gets nothing by replication. pgroute66 does not count it and does
-- not ask it; where other tools read its table by this role, run there by hand:
-- CREATE ROLE ${role} LOGIN;
-- \\connect ${settings.dbname}
${grants.replaceAll(/^/gm, '-- ')}
`
}

/** The role on the monitor of pg_auto_failover, which is a cluster of its own: a script by itself. */
export function pgafSql(user: string, dbname: string): string {
  const role = identifier(user)
  return `-- Run this with psql, as a superuser, on the monitor of pg_auto_failover. Then admit the role in its
-- pg_hba.conf, from where pgroute66 runs. The hosts need the role of "pgroute66 init --sql" as well.
CREATE ROLE ${role} LOGIN;
\\connect ${dbname}
GRANT CONNECT ON DATABASE ${identifier(dbname)} TO ${role};
${pgafGrants(user).join('\n')}

-- Then set its password: \\password ${role}
`
}
