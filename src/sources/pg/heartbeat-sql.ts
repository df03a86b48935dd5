/**
 * The heartbeat's statements. The table is the original's, `create table public.pgr66_avc
 * (pgr66_avc timestamp)` with one row, so that both can beat in it.
 */
export type HeartbeatSql = Readonly<{
  /**
   * One row: is the table there, may we write it or read it, may we create it? Asked so that
   * nothing has to fail, and be logged, to find out.
   */
  survey: string
  create: string
  beat: string
  insert: string
  read: string
  /** What an operator would have to run, for words. */
  byHand: (user: string) => string
}>

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * `schema.table`; `table` alone is in `public`. A name is taken as it is written: no folding to
 * lower case, a dot only between the two.
 */
export function heartbeatSql(name: string): HeartbeatSql {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? 'public' : name.slice(0, dot)
  const table = `${quoted(schema)}.${quoted(name.slice(dot + 1))}`
  // With a time zone, unlike the original's: its `set … = now()` and `now() - …` mean the same on
  // both types, and an hour that a change of clocks repeats is not an hour of delay.
  const definition = `${table} (pgr66_avc timestamptz not null)`
  // The backslash-free literals below are standard-conforming strings: no escape is possible in
  // them.
  const oid = `to_regclass(${literal(table)})`
  return {
    survey: `select ${oid} is not null as present, has_table_privilege(${oid}, 'select') as may_read,
  has_table_privilege(${oid}, 'select') and has_table_privilege(${oid}, 'update') and has_table_privilege(${oid}, 'insert') as may_write,
  coalesce(has_schema_privilege(to_regnamespace(${literal(quoted(schema))})::oid, 'create'), false) as may_create,
  pg_is_in_recovery() as in_recovery`,
    create: `begin; create table if not exists ${definition};
insert into ${table} select now() where not exists (select from ${table}); commit`,
    beat: `update ${table} set pgr66_avc = now()`,
    // Only when the row was deleted. Locked, for two that insert at once would leave two rows,
    // which the original refuses.
    insert: `begin; lock table ${table} in share row exclusive mode;
insert into ${table} select now() where not exists (select from ${table}); commit`,
    read: `select (extract(epoch from clock_timestamp() - max(pgr66_avc)) * 1000)::float8 as delay_ms from ${table}`,
    byHand: (user) =>
      `create table if not exists ${definition}; insert into ${table} values (now()); grant select, insert, update on ${table} to ${quoted(user)};`,
  }
}
