import type {Facts, Receiver, Sender} from '../../core/facts/observation.ts'
import type {Row} from './connection.ts'

type ReceiverRow = Readonly<{
  status: string | null
  received_tli: number | null
  sender_host: string | null
  sender_port: number | null
  latest_end_lsn: string | null
  last_message_age_ms: number | null
  last_message_sent_ms: number | null
}>

/** PostgreSQL's row as facts. The columns are those of probe-sql.ts. */
export function factsOf(row: Row): Facts {
  const inRecovery = row.in_recovery as boolean
  const receiver = row.receiver === null ? null : receiverOf(row.receiver as ReceiverRow)
  return {
    inRecovery,
    clockMs: row.clock_ms as number | null,
    timeline: inRecovery
      ? standbyTimeline(receiver, row.recovery_timeline as number | null)
      : hexadecimal(row.primary_timeline as string | null),
    diskTimeline: hexadecimal(row.disk_timeline as string | null),
    lsn: row.lsn as string | null,
    flushLsn: row.flush_lsn as string | null,
    receiveLsn: row.receive_lsn as string | null,
    lastReplayAgeMs: row.last_replay_age_ms as number | null,
    receiver,
    senders: row.senders as readonly Sender[],
    readOnly: row.read_only as boolean | null,
    applyDelayMs: row.apply_delay_ms as number | null,
    replayPaused: row.replay_paused as boolean | null,
    backendsUsed: row.backends_used as number | null,
    backendsMax: row.backends_max as number | null,
  }
}

const receiverOf = (row: ReceiverRow): Receiver => ({
  status: row.status,
  senderHost: row.sender_host,
  senderPort: row.sender_port,
  receivedTimeline: row.received_tli,
  lastMessageAgeMs: row.last_message_age_ms,
  lastMessageSentMs: row.last_message_sent_ms,
  latestEndLsn: row.latest_end_lsn,
})

/**
 * While the standby streams: the received timeline. Else the timeline that recovery must reach at
 * least, where 0 means "no such point": unknown. Not pg_control_checkpoint(), which shows the last
 * checkpoint and lags behind a promotion by minutes.
 */
const standbyTimeline = (receiver: Receiver | null, recoveryTimeline: number | null): number | null =>
  (receiver?.status === 'streaming' ? receiver.receivedTimeline : null) ?? (recoveryTimeline || null)

const hexadecimal = (digits: string | null): number | null => (digits === null ? null : Number.parseInt(digits, 16))
