/** An identifier or literal of SQL (PostgreSQL documentation, 4.1 "Lexical Structure"). */
const identifier = (name: string) => (/^[a-z_][a-z0-9_]{0,62}$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)

/**
 * The SQL for the smallest role that can watch a cluster; run once, on the primary. `table`: the
 * heartbeat's, or `null`.
 */
export function roleSql(user: string, dbname: string, table: string | null): string {
  const role = identifier(user)
  const [schema, ...rest] = (table ?? '').split('.')
  const sql = `-- For psql, as a superuser, on the primary; standbys get it by replication.
-- LOGIN and pg_read_all_stats are all that watching takes. Not pg_monitor: it contains pg_read_all_settings, with which the role
-- could read the replication password in primary_conninfo.
CREATE ROLE ${role} LOGIN;
GRANT pg_read_all_stats TO ${role};
GRANT CONNECT ON DATABASE ${identifier(dbname)} TO ${role};

-- Then give it a password (asked for, so that it is in no history and no log):
-- \\password ${role}
`
  if (table === null) return sql
  const inSchema = identifier(rest.length > 0 ? (schema ?? 'public') : 'public')
  return `${sql}
-- For "availability": the first heartbeat creates ${table}. Run this in the database ${dbname}.
GRANT USAGE, CREATE ON SCHEMA ${inSchema} TO ${role};
`
}
