import {type Clock, type HeartbeatAnswer, isFailure} from '../../core/ports.ts'
import type {AvailabilitySettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import {type Connection, openConnection, type Route, type Row} from './connection.ts'
import {failureOf, type PgFailure} from './failure.ts'
import {abandon, patient} from './heartbeat-backoff.ts'
import {type HeartbeatSql, heartbeatSql} from './heartbeat-sql.ts'
import {askSessionFacts} from './session-facts.ts'

/**
 * `timeoutMs`: probe.timeout; what the server is told to keep to lies below it. `connectTimeoutMs`:
 * for a new line, login and all.
 */
type Deps = Readonly<{
  route: Route
  timeoutMs: number
  connectTimeoutMs: number
  availability: AvailabilitySettings | null
  clock: Clock
}>

/** Beats of one host must not overlap. Never rejects. */
export type Heartbeats = (ask: {primary: boolean}, signal: AbortSignal) => Promise<HeartbeatAnswer>

/** On a line of its own: a write that hangs must not keep the probe from answering. */
export function heartbeats({route, timeoutMs, connectTimeoutMs, availability, clock}: Deps): Heartbeats {
  let line: Connection | null = null
  let patience = patient
  const sql = heartbeatSql(availability?.table ?? 'public.pgr66_avc')

  /**
   * `local`: a standby that is gone is no reason for the primary's own storage to look frozen.
   * Waiting for a lock is not hanging, so it ends first.
   */
  const parameters = {
    synchronous_commit: 'local',
    lock_timeout: String(Math.floor(timeoutMs * 0.4)),
    statement_timeout: String(Math.floor(timeoutMs * 0.8)),
    // A primary that is read-only by this default keeps its role, and its storage can still be
    // asked.
    default_transaction_read_only: 'off',
    idle_session_timeout: '0',
    search_path: 'pg_catalog',
  }
  const ready = async (signal: AbortSignal): Promise<Connection | PgFailure> => {
    if (line) return line
    const opened = await openConnection(route, signal)
    if (isFailure(opened)) return opened
    const facts = await askSessionFacts(opened, parameters, signal)
    if (isFailure(facts)) {
      opened.close()
      return facts
    }
    opened.onClosed(() => {
      if (line === opened) line = null
    })
    line = opened
    return opened
  }

  return async ({primary}, signal) => {
    if (!availability) return {kind: 'silent', detail: 'availability is not configured'}
    const waitMs = patience.notBefore - clock.now()
    if (waitMs > 0) {
      const detail = `${patience.abandoned} heartbeats hang; the next is tried in ${Math.ceil(waitMs / 1000)} s`
      return primary ? {kind: 'failure', cause: 'hung', detail} : {kind: 'silent', detail}
    }
    // Apart from the beat: a distant host would never be done with both, and each attempt would
    // begin with nothing.
    using opening = deadline(clock, connectTimeoutMs, signal)
    const current = await ready(opening.signal)
    using limit = deadline(clock, timeoutMs, signal)
    const answer = isFailure(current)
      ? refused(current)
      : await (primary ? write : read)(current, sql, route.to.user, limit.signal)
    if (!(isFailure(current) ? opening : limit).signal.aborted) {
      if (answer.kind === 'beat' || answer.kind === 'read') patience = patient
      return answer
    }
    line = null
    // Without a line nothing was left behind, but a host that lets nobody in any more commits
    // nothing either.
    if (!isFailure(current)) patience = abandon(patience, clock.now())
    if (!primary || (isFailure(current) && current.cause === 'dns')) return answer
    return {kind: 'failure', cause: 'hung', detail: `a heartbeat was not committed within ${timeoutMs} ms`}
  }
}

/**
 * What the server says of this statement, not of this host: a lock (55P03), a conflict with
 * recovery (40001), a role change meanwhile (25006), no slot for one more session (53300). The
 * probe and the knock judge those.
 */
const sayNothing = /^(55P03|40001|40P01|25006|53300)$/

function refused(why: PgFailure): HeartbeatAnswer {
  if (sayNothing.test(why.sqlstate ?? '')) return {kind: 'silent', detail: why.detail}
  // statement_timeout, where the server could still be interrupted: the same as an abort, without a
  // backend left behind.
  if (why.sqlstate === '57014')
    return {kind: 'failure', cause: 'hung', detail: `the server gave up a heartbeat. ${why.detail}`}
  return {kind: 'failure', ...failureOf(why)}
}

async function write(line: Connection, sql: HeartbeatSql, user: string, signal: AbortSignal): Promise<HeartbeatAnswer> {
  const ask = (text: string) => line.ask({text}, signal)
  const survey = await ask(sql.survey)
  if (isFailure(survey)) return refused(survey)
  const {present, may_write, may_create, in_recovery} = survey[0] as Row
  if (in_recovery) return {kind: 'silent', detail: 'the host is in recovery by now'}
  if (present && !may_write)
    return {kind: 'missing', detail: `user "${user}" may not write the heartbeat table; run: ${sql.byHand(user)}`}
  if (!present && !may_create)
    return {
      kind: 'missing',
      detail: `the heartbeat table is not there, and user "${user}" may not create it; run: ${sql.byHand(user)}`,
    }
  if (!present) {
    const created = await ask(sql.create)
    return isFailure(created) ? afterRollback(line, created, signal) : {kind: 'beat'}
  }
  const beaten = await ask(`${sql.beat} returning true`)
  if (isFailure(beaten)) return refused(beaten)
  if (beaten.length > 0) return {kind: 'beat'}
  const inserted = await ask(sql.insert)
  return isFailure(inserted) ? afterRollback(line, inserted, signal) : {kind: 'beat'}
}

/** These begin a transaction of their own, which an error leaves open. */
async function afterRollback(line: Connection, why: PgFailure, signal: AbortSignal): Promise<HeartbeatAnswer> {
  await line.ask({text: 'rollback'}, signal)
  return refused(why)
}

async function read(line: Connection, sql: HeartbeatSql, user: string, signal: AbortSignal): Promise<HeartbeatAnswer> {
  const survey = await line.ask({text: sql.survey}, signal)
  if (isFailure(survey)) return refused(survey)
  const {present, may_read} = survey[0] as Row
  if (!present) return {kind: 'missing', detail: 'the heartbeat table is not there yet: it comes from the primary'}
  if (!may_read)
    return {
      kind: 'missing',
      detail: `user "${user}" may not read the heartbeat table; run on the primary: ${sql.byHand(user)}`,
    }
  const rows = await line.ask({text: sql.read}, signal)
  if (isFailure(rows)) return refused(rows)
  return {kind: 'read', delayMs: (rows[0] as Row).delay_ms as number | null}
}
