import type pg from 'pg'
import type {Clock} from '../../core/ports.ts'
import {timelineOf} from '../../core/snapshot.ts'
import {onAbort, sleep} from '../../core/wait.ts'
import {ConnectorError} from '../connector-error.ts'
import type {Fleet} from '../fleet.ts'
import {aborted, type Lane, type Lease} from '../lane.ts'
import type {ReadRequest} from '../lanes.ts'
import {outcomeOfRead} from '../policy/outcome.ts'
import {destroySocket} from '../pools/routed-client.ts'
import {type Ended, send} from '../statements/send.ts'
import type {Token} from '../types.ts'
import {passageOf, type Reached, reachedNow} from './gate.ts'
import {type Position, positionOf} from './token.ts'

export type CausalDeps = Readonly<{fleet: Fleet; lane: Lane<ReadRequest>; clock: Clock}>
export type CausalLease = Lease & Readonly<{isForked: boolean}>

/** Standbys are asked for so long; then the primary is, where the request allows it. */
const patienceMs = 500
const [firstPauseMs, longestPauseMs] = [1, 16]

/** Throws ConnectorError `token` on what is no token, and on one of another cluster. */
export function positionFor(token: Token, fleet: Fleet): Position {
  const position = positionOf(token)
  const next = 'Pass on what token() gave, of the same database.'
  if (position === null) throw new ConnectorError('token', `${JSON.stringify(token.slice(0, 64))} is no token`, {next})
  const known = fleet.names.flatMap((name) => fleet.state(name)?.systemIdentifier ?? [])
  if (position.systemIdentifier === null || known.length === 0 || known.includes(position.systemIdentifier))
    return position
  const message = `the token is of cluster ${position.systemIdentifier}, and this one is ${known[0]}`
  throw new ConnectorError('token', message, {next, verdict: fleet.verdictOrNull})
}

/**
 * A client whose session shows all that was committed before `position`: of a standby that has
 * replayed it, else of the primary. The snapshot only chooses whom to ask first; what counts is said
 * by the session itself. The caller gives the client back.
 */
export async function causalLease(deps: CausalDeps, position: Position, request: ReadRequest): Promise<CausalLease> {
  const {fleet, clock} = deps
  const begun = clock.now()
  const stop = request.signal ?? new AbortController().signal
  let losses = 0
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const waitedMs = clock.now() - begun
    if (waitedMs >= Math.max(request.waitMs, patienceMs)) throw notReached(fleet, waitedMs)
    const isPatient = waitedMs < patienceMs || request.fallback === 'none'
    const lease = await leaseOf(deps, {...request, after: {position, isPatient}})
    const ended = await sent(lease.client, reachedNow, {signal: request.signal})
    if (ended.kind === 'done') {
      const passage = passageOf(position, ended.result.rows[0] as Reached, timelines(fleet, lease.host))
      if (passage !== 'behind') return {...lease, isForked: passage === 'forked'}
      lease.client.release()
    } else {
      const {failed, error} = ended
      lease.client.release(failed.phase !== 'answered')
      if (request.signal?.aborted) throw aborted(request.signal)
      const outcome = outcomeOfRead(failed, losses)
      if (outcome === 'pass-on' || outcome === 'give-up') throw error
      losses += 1
      if (outcome === 'suspect') fleet.suspect(lease.host, error)
    }
    await sleep(clock, pauseMs, stop)
  }
}

const timelines = (fleet: Fleet, host: string) => {
  const primary = fleet.verdictOrNull?.primary ?? null
  const of = (name: string | null) => {
    const state = name === null ? undefined : fleet.state(name)
    return state === undefined ? null : timelineOf(state)
  }
  return {host: of(host), primary: of(primary)}
}

const notReached = (fleet: Fleet, waitedMs: number) =>
  new ConnectorError('no-reader', `no standby has replayed the token within ${Math.round(waitedMs)} ms`, {
    verdict: fleet.verdictOrNull,
    next: 'Look at the lag of the standbys, or allow a fallback to the primary.',
  })

const leaseOf = ({lane}: CausalDeps, request: ReadRequest): Promise<Lease> =>
  new Promise((resolve, reject) => {
    lane.acquire(request, (outcome) => ('lease' in outcome ? resolve(outcome.lease) : reject(outcome.error)))
  })

type Sending = Readonly<{values?: readonly unknown[] | undefined; signal?: AbortSignal | undefined}>

/** One statement, as a promise. The socket is destroyed where the caller gives up meanwhile. */
export async function sent(
  client: pg.ClientBase,
  query: string | pg.QueryConfig,
  {values, signal}: Sending = {},
): Promise<Ended> {
  const forget = signal === undefined ? () => {} : onAbort(signal, () => destroySocket(client))
  try {
    return await new Promise((resolve) => send(client, query, values, resolve))
  } finally {
    forget()
  }
}
