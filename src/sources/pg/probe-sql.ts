import {expressionOf, type Parts, part} from './parts/part.ts'

const epochMs = (time: string) => `(extract(epoch from ${time}) * 1000)::float8`
const ageMs = (time: string) => epochMs(`clock_timestamp() - ${time}`)

/** What a server can answer. `mayListWal`: our role may list the files of WAL, which few roles may. */
export type Abilities = Readonly<{serverVersion: number; mayListWal: boolean}>

/** A standby fetches the history file of a timeline that it never followed: segments alone count. */
const segmentsPart = (mayListWal: boolean) =>
  mayListWal
    ? part(
        'the timelines on the disk of a standby',
        'pg_ls_waldir()',
        `(select max(substr(name, 1, 8)) from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$')`,
        'null::text',
      )
    : part(null, [], 'null::text', 'null::text')

const sendersPart = part(
  'who streams from a host',
  ['pg_stat_replication', 'pg_stat_get_wal_senders()', 'pg_stat_get_activity(integer)'],
  `(select coalesce(json_agg(json_build_object('pid', pid, 'applicationName', application_name,
    'clientAddr', host(client_addr), 'state', state, 'syncState', sync_state, 'replayLsn', replay_lsn::text)
    order by pid), '[]') from pg_stat_replication)`,
  `'[]'::json`,
)

/** The parts of a probe that a server may deny. */
export function probeParts({serverVersion, mayListWal}: Abilities): Parts {
  const sender =
    serverVersion >= 110_000 ? 'sender_host, sender_port' : 'null::text as sender_host, null::int as sender_port'
  // Since version 17 the statement can flush the message itself; before, the WAL writer flushes it
  // within wal_writer_delay.
  const isFlushing = serverVersion >= 170_000
  const setting = 'current_setting(text)'
  return {
    nudge: part(
      'the answer to a nudge',
      `pg_logical_emit_message(boolean, text, text${isFlushing ? ', boolean' : ''})`,
      `pg_logical_emit_message(false, 'pgroute66', ''${isFlushing ? ', true' : ''})`,
      'null::pg_lsn',
    ),
    replayed: part('the replay position', 'pg_last_wal_replay_lsn()', 'pg_last_wal_replay_lsn()', 'null::pg_lsn'),
    current: part('the write position', 'pg_current_wal_lsn()', 'pg_current_wal_lsn()', 'null::pg_lsn'),
    timeline: part(
      'the timeline of a primary',
      ['pg_walfile_name(pg_lsn)', 'pg_current_wal_lsn()'],
      'substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)',
      'null::text',
    ),
    recovery: part(
      'the timeline of a standby that does not stream',
      'pg_control_recovery()',
      '(select min_recovery_end_timeline from pg_control_recovery())',
      'null::int',
    ),
    segments: segmentsPart(mayListWal),
    flushed: part('the flush position', 'pg_current_wal_flush_lsn()', 'pg_current_wal_flush_lsn()', 'null::pg_lsn'),
    received: part('the receive position', 'pg_last_wal_receive_lsn()', 'pg_last_wal_receive_lsn()', 'null::pg_lsn'),
    replay: part(
      'the age of the last replay',
      'pg_last_xact_replay_timestamp()',
      ageMs('pg_last_xact_replay_timestamp()'),
      'null::float8',
    ),
    paused: part('whether replay is paused', 'pg_is_wal_replay_paused()', 'pg_is_wal_replay_paused()', 'null::boolean'),
    // In 10 and 11 it belongs to recovery.conf, which no query shows: null.
    delay: part(
      'whether a standby is delayed',
      'current_setting(text, boolean)',
      `(extract(epoch from current_setting('recovery_min_apply_delay', true)::interval) * 1000)::float8`,
      'null::float8',
    ),
    readOnly: part(
      'whether a primary is read-only',
      setting,
      `current_setting('default_transaction_read_only')::boolean`,
      'null::boolean',
    ),
    receiver: part(
      'whom a standby streams from',
      ['pg_stat_wal_receiver', 'pg_stat_get_wal_receiver()'],
      `(select row_to_json(receiver) from (
    select status, received_tli, ${sender}, latest_end_lsn::text,
      ${ageMs('last_msg_receipt_time')} as last_message_age_ms, ${epochMs('last_msg_send_time')} as last_message_sent_ms
    from pg_stat_wal_receiver) as receiver)`,
      // As for a role that may not read the columns: a row of nulls, which is not "no receiver".
      `'{"status": null, "received_tli": null, "sender_host": null, "sender_port": null, ` +
        `"latest_end_lsn": null, "last_message_age_ms": null, "last_message_sent_ms": null}'::json`,
    ),
    senders: sendersPart,
    backends: part(
      'the number of backends',
      'pg_stat_get_activity(integer)',
      `(select case when not bool_or(backend_type is null)
    then count(*) filter (where backend_type = 'client backend') end::int
    from pg_stat_get_activity(null))`,
      'null::int',
    ),
    most: part('the limit of backends', setting, `current_setting('max_connections')::int`, 'null::int'),
  }
}

/**
 * The SQL of a probe. $1 boolean: nudge. `without`: parts that the server denies.
 */
export function probeSql(abilities: Abilities, without: ReadonlySet<string> = new Set()): string {
  const sql = expressionOf(probeParts(abilities), without)
  // The CTE "state" asks for the role once, and every other part reads it there: a promotion during
  // this statement must not mix the two roles. (PostgreSQL never inlines a CTE with a volatile
  // function, so MATERIALIZED, which 10 and 11 do not know, is not needed.) A CASE evaluates only
  // the branch it takes: pg_current_wal_lsn() is an error on a standby. One gap remains:
  // pg_is_wal_replay_paused() fails after a promotion within the statement; the session asks again.
  return `with state as (select pg_is_in_recovery() as in_recovery),
  nudged as (select case when $1::boolean and not in_recovery then ${sql('nudge')} end as at from state)
select in_recovery,
  ${epochMs('clock_timestamp()')} as clock_ms,
  (select at::text from nudged) as nudged_at,
  (case when in_recovery then ${sql('replayed')} else ${sql('current')} end)::text as lsn,
  case when not in_recovery then ${sql('timeline')} end as primary_timeline,
  case when in_recovery then ${sql('recovery')} end as recovery_timeline,
  case when in_recovery and ${sql('receiver')} is null then ${sql('segments')} end as disk_timeline,
  case when not in_recovery then ${sql('flushed')}::text end as flush_lsn,
  case when in_recovery then ${sql('received')}::text end as receive_lsn,
  case when in_recovery then ${sql('replay')} end as last_replay_age_ms,
  case when in_recovery then ${sql('paused')} end as replay_paused,
  case when in_recovery then ${sql('delay')} end as apply_delay_ms,
  in_recovery or ${sql('readOnly')} as read_only,
  case when in_recovery then ${sql('receiver')} end as receiver,
  ${sql('senders')} as senders,
  ${sql('backends')} as backends_used,
  ${sql('most')} as backends_max
from state`
}
