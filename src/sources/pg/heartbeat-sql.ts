import {sqlLiteral} from '../../core/sql-quoting.ts'

/**
 * The SQL of the heartbeat. The table is the one of the original pgroute66, `create table
 * public.pgr66_avc (pgr66_avc timestamp)` with one row, so that both programs can use the same.
 */
export type HeartbeatSql = Readonly<{
  /**
   * One row: does the table exist, and may the role read, write or create it? Asked first, because
   * a statement that fails would be logged.
   */
  survey: string
  create: string
  beat: string
  insert: string
  read: string
  /** The SQL that an operator has to run, for messages. */
  byHand: (user: string) => string
}>

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
/**
 * `name`: `schema.table`; `table` alone is in `public`. Names are taken as written, without folding
 * to lower case. The first dot separates the two.
 */
export function heartbeatSql(name: string): HeartbeatSql {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? 'public' : name.slice(0, dot)
  const table = `${quoted(schema)}.${quoted(name.slice(dot + 1))}`
  // With a time zone, unlike the original's table. `set … = now()` and `now() - …` work on both
  // types, and the hour that the end of summer time repeats is not an hour of delay.
  const definition = `${table} (pgr66_avc timestamptz not null)`
  const oid = `to_regclass(${sqlLiteral(table)})`
  return {
    survey: `select ${oid} is not null as present, has_table_privilege(${oid}, 'select') as may_read,
  has_table_privilege(${oid}, 'select') and has_table_privilege(${oid}, 'update')
    and has_table_privilege(${oid}, 'insert') as may_write,
  coalesce(has_schema_privilege(to_regnamespace(${sqlLiteral(quoted(schema))})::oid, 'create'), false) as may_create,
  pg_is_in_recovery() as in_recovery`,
    create: `begin; create table if not exists ${definition};
insert into ${table} select now() where not exists (select from ${table}); commit`,
    beat: `update ${table} set pgr66_avc = now()`,
    // Only after the row was deleted. The lock keeps two daemons from inserting two rows, which the
    // original refuses.
    insert: `begin; lock table ${table} in share row exclusive mode;
insert into ${table} select now() where not exists (select from ${table}); commit`,
    read: `select (extract(epoch from clock_timestamp() - max(pgr66_avc)) * 1000)::float8 as delay_ms from ${table}`,
    byHand: (user) =>
      `create table if not exists ${definition}; insert into ${table} values (now()); ` +
      `grant select, insert, update on ${table} to ${quoted(user)};`,
  }
}
