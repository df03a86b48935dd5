import type {Admission} from '../../core/admission.ts'
import {type Clock, type HeartbeatAnswer, isFailure} from '../../core/ports.ts'
import type {AvailabilitySettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import {type Connection, openConnection, type Route, type Row} from './connection.ts'
import {failureOf, type PgFailure} from './failure.ts'
import {backOff, noBackoff} from './heartbeat-backoff.ts'
import {type HeartbeatSql, heartbeatSql} from './heartbeat-sql.ts'
import {type Patience, patience} from './limits/patience.ts'
import type {Known} from './parts/known.ts'
import {askSessionFacts} from './session-facts.ts'

/**
 * `timeoutMs`: probe.timeout; the limits that the server gets are shorter. `connectTimeoutMs`: for
 * each step of a new connection. Both adapt to the round trip.
 */
type Deps = Readonly<{
  route: Route
  known: Known
  timeoutMs: number
  connectTimeoutMs: number
  availability: AvailabilitySettings | null
  clock: Clock
  /** `null`: no login waits. */
  admission: Admission | null
}>

/** To look whether the table is there, to update its row, and to insert it where there is none. */
const beatTrips = 3

/** Beats of one host must not overlap. Never rejects. */
export type Heartbeats = (ask: {primary: boolean}, signal: AbortSignal) => Promise<HeartbeatAnswer>

/** On a connection of their own: a write that hangs must not keep the probe from answering. */
export function heartbeats(deps: Deps): Heartbeats {
  const {route, known, timeoutMs, connectTimeoutMs, availability, clock, admission} = deps
  let connection: Connection | null = null
  let backoff = noBackoff
  const sql = heartbeatSql(availability?.table ?? 'public.pgr66_avc')

  /**
   * `local`: while a synchronous standby is away, the primary's storage must not look frozen.
   * lock_timeout comes first, because to wait for a lock is not to hang.
   */
  const parameters = {
    synchronous_commit: 'local',
    lock_timeout: String(Math.floor(timeoutMs * 0.4)),
    statement_timeout: String(Math.floor(timeoutMs * 0.8)),
    // A primary that is read-only by this default keeps its role, and its storage can still be
    // tested.
    default_transaction_read_only: 'off',
    idle_session_timeout: '0',
    search_path: 'pg_catalog',
  }
  const ready = async (limits: Patience): Promise<Connection | PgFailure> => {
    if (connection && !connection.isOver) return connection
    const opened = await openConnection(route, limits)
    if (isFailure(opened)) return opened
    const facts = await askSessionFacts(opened, parameters, limits, known)
    if (isFailure(facts)) {
      opened.close()
      return facts
    }
    connection = opened
    return opened
  }

  return async ({primary}, signal) => {
    if (!availability) return {kind: 'silent', detail: 'availability is not configured'}
    const waitMs = backoff.notBefore - clock.now()
    if (waitMs > 0) {
      const detail = `${backoff.abandoned} heartbeats hang; the next try is in ${Math.ceil(waitMs / 1000)} s`
      return primary ? {kind: 'failure', cause: 'hung', detail} : {kind: 'silent', detail}
    }
    // The beat has a limit of its own. With one for both, a distant host would never finish the
    // session and the beat in time, and every try would begin with a new session.
    const isOpen = connection !== null && !connection.isOver
    const leave = isOpen ? null : await admission?.enter({isUrgent: false, signal})
    using opening = patience(clock, route.roundTrips, connectTimeoutMs, signal)
    const current = await ready(opening)
    leave?.()
    const limitMs = route.roundTrips.limitMs(timeoutMs, beatTrips)
    using limit = deadline(clock, limitMs, signal)
    const answer = isFailure(current)
      ? answerTo(current)
      : await (primary ? write : read)(current, sql, route.to.user, limit.signal)
    if (!(isFailure(current) ? opening : limit).signal.aborted) {
      if (answer.kind === 'beat' || answer.kind === 'read') backoff = noBackoff
      return answer
    }
    connection = null
    // Without a connection no backend was left behind. The host still counts as hung: a host that
    // accepts no new session commits nothing.
    if (!isFailure(current)) backoff = backOff(backoff, clock.now())
    if (!primary || (isFailure(current) && current.cause === 'dns')) return answer
    return {
      kind: 'failure',
      cause: 'hung',
      detail: `the host did not commit a heartbeat within ${Math.round(limitMs)} ms`,
    }
  }
}

/**
 * Errors about the statement, which say nothing about the host: a lock (55P03), a conflict with
 * recovery (40001), a role change meanwhile (25006), no slot for one more session (53300). The
 * probe and the knock judge the host in these cases.
 */
const notTheHost = /^(55P03|40001|40P01|25006|53300)$/

function answerTo(failure: PgFailure): HeartbeatAnswer {
  if (notTheHost.test(failure.sqlstate ?? '')) return {kind: 'silent', detail: failure.detail}
  // statement_timeout: the server could interrupt the statement. The same as an abort, but without
  // a backend left behind.
  if (failure.sqlstate === '57014')
    return {kind: 'failure', cause: 'hung', detail: `the server gave up a heartbeat. ${failure.detail}`}
  return {kind: 'failure', ...failureOf(failure)}
}

async function write(
  connection: Connection,
  sql: HeartbeatSql,
  user: string,
  signal: AbortSignal,
): Promise<HeartbeatAnswer> {
  const ask = (text: string) => connection.ask({text}, signal)
  const survey = await ask(sql.survey)
  if (isFailure(survey)) return answerTo(survey)
  const {present, may_write, may_create, in_recovery} = survey[0] as Row
  if (in_recovery) return {kind: 'silent', detail: 'the host has entered recovery'}
  if (present && !may_write)
    return {kind: 'missing', detail: `user "${user}" may not write the heartbeat table; run: ${sql.byHand(user)}`}
  if (!present && !may_create)
    return {
      kind: 'missing',
      detail: `the heartbeat table does not exist, and user "${user}" may not create it; run: ${sql.byHand(user)}`,
    }
  if (!present) {
    const created = await ask(sql.create)
    return isFailure(created) ? afterRollback(connection, created, signal) : {kind: 'beat'}
  }
  const beaten = await ask(`${sql.beat} returning true`)
  if (isFailure(beaten)) return answerTo(beaten)
  if (beaten.length > 0) return {kind: 'beat'}
  const inserted = await ask(sql.insert)
  return isFailure(inserted) ? afterRollback(connection, inserted, signal) : {kind: 'beat'}
}

/** `create` and `insert` begin a transaction of their own, which an error leaves open. */
async function afterRollback(
  connection: Connection,
  failure: PgFailure,
  signal: AbortSignal,
): Promise<HeartbeatAnswer> {
  await connection.ask({text: 'rollback'}, signal)
  return answerTo(failure)
}

async function read(
  connection: Connection,
  sql: HeartbeatSql,
  user: string,
  signal: AbortSignal,
): Promise<HeartbeatAnswer> {
  const survey = await connection.ask({text: sql.survey}, signal)
  if (isFailure(survey)) return answerTo(survey)
  const {present, may_read} = survey[0] as Row
  if (!present) return {kind: 'missing', detail: 'the heartbeat table has not reached this standby yet'}
  if (!may_read)
    return {
      kind: 'missing',
      detail: `user "${user}" may not read the heartbeat table; run on the primary: ${sql.byHand(user)}`,
    }
  const rows = await connection.ask({text: sql.read}, signal)
  if (isFailure(rows)) return answerTo(rows)
  return {kind: 'read', delayMs: (rows[0] as Row).delay_ms as number | null}
}
