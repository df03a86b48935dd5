/**
 * The SQL of a probe for a server of this version (`server_version_num`). $1 boolean: nudge.
 */
export function probeSql(serverVersion: number): string {
  const sender =
    serverVersion >= 110_000 ? 'sender_host, sender_port' : 'null::text as sender_host, null::int as sender_port'
  // Since version 17 the statement can flush the message itself; before, the WAL writer flushes it
  // within wal_writer_delay.
  const nudge =
    serverVersion >= 170_000
      ? `pg_logical_emit_message(false, 'pgroute66', '', true)`
      : `pg_logical_emit_message(false, 'pgroute66', '')`

  // In 10 and 11 recovery_min_apply_delay belongs to recovery.conf, which no query shows: it is null.
  //
  // The CTE "state" asks for the role once, and every other part reads it there: a promotion during
  // this statement must not mix the two roles. (PostgreSQL never inlines a CTE with a volatile
  // function, so MATERIALIZED, which 10 and 11 do not know, is not needed.) A CASE evaluates only
  // the branch it takes: pg_current_wal_lsn() is an error on a standby. One gap remains:
  // pg_is_wal_replay_paused() fails after a promotion within the statement; the session asks again.
  return `with state as (select pg_is_in_recovery() as in_recovery),
  nudged as (select case when $1::boolean and not in_recovery then ${nudge} end as at from state),
  position as (
    select case when in_recovery then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn from state),
  receiver as (
    select status, received_tli, ${sender}, latest_end_lsn::text,
      (extract(epoch from clock_timestamp() - last_msg_receipt_time) * 1000)::float8 as last_message_age_ms
    from pg_stat_wal_receiver)
select in_recovery,
  (select at::text from nudged) as nudged_at,
  (select lsn::text from position) as lsn,
  case when not in_recovery then substr(pg_walfile_name((select lsn from position)), 1, 8) end as primary_timeline,
  case when in_recovery then (select min_recovery_end_timeline from pg_control_recovery()) end as recovery_timeline,
  case when not in_recovery then pg_current_wal_flush_lsn()::text end as flush_lsn,
  case when in_recovery then pg_last_wal_receive_lsn()::text end as receive_lsn,
  case when in_recovery
    then (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8
    end as last_replay_age_ms,
  case when in_recovery then pg_is_wal_replay_paused() end as replay_paused,
  case when in_recovery
    then (extract(epoch from current_setting('recovery_min_apply_delay', true)::interval) * 1000)::float8
    end as apply_delay_ms,
  in_recovery or current_setting('default_transaction_read_only')::boolean as read_only,
  case when in_recovery then (select row_to_json(receiver) from receiver) end as receiver,
  (select coalesce(json_agg(json_build_object('pid', pid, 'applicationName', application_name,
    'clientAddr', host(client_addr), 'state', state, 'syncState', sync_state, 'replayLsn', replay_lsn::text)
    order by pid), '[]') from pg_stat_replication) as senders,
  (select case when not bool_or(backend_type is null)
    then count(*) filter (where backend_type = 'client backend') end::int
    from pg_stat_get_activity(null)) as backends_used,
  current_setting('max_connections')::int as backends_max
from state`
}
