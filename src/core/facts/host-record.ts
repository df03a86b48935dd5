import type {HostSettings} from '../settings.ts'
import type {Drain} from '../snapshot.ts'
import type {Cause, Role} from '../vocabulary.ts'
import type {Facts, Failure, Heartbeat, Observation, SessionFacts} from './observation.ts'

/**
 * All that the monitor holds about one host: the latest result of each kind of question, each with
 * its own time. A new object per event.
 */
export type HostRecord = Readonly<{
  settings: HostSettings
  /** `null`: neither an answer nor a cause yet. */
  observation: Observation | null
  /**
   * Monotonic: when the question was sent whose answer began the current run of "primary" answers;
   * `null`: the last answer was another one, or the caller does not count.
   */
  primarySince: number | null
  /**
   * Monotonic: when the first answer of the current run of answers came, from one start of the server;
   * `null`: the last question failed, or the caller does not count.
   */
  answersSince: number | null
  /** The highest timeline of a standby since this start of its postmaster; `null`: none yet. */
  reached: Readonly<{startedAt: number | null; timeline: number}> | null
  /**
   * Where the last session that answered is connected to; it stays when the host stops answering.
   * `null`: none yet, or a unix socket.
   */
  lastAddress: string | null
  /** The addresses to which the host's name led when it was last looked up. */
  resolved: readonly string[]
  /**
   * The last word that was heard of the server is one that only a stopping server says; a new
   * answer takes it back.
   */
  isStopping: boolean
  /** An order ended the last session: the server may be stopping. A new answer takes it back. */
  wasOrdered: boolean
  /**
   * How the last knock failed; `null`: it succeeded. The failure stands until a knock, or a new
   * session, succeeds.
   */
  knock: Failure | null
  /**
   * How the last heartbeat on a primary failed (`hung`). The failure stands until a heartbeat
   * commits.
   */
  frozen: Failure | null
  heartbeat: Heartbeat | null
  /** Proven to be the same server as this other name. */
  duplicateOf: string | null
  drained: Drain | null
}>

export const newRecord = (settings: HostSettings, drained: Drain | null = null): HostRecord => ({
  settings,
  observation: null,
  primarySince: null,
  answersSince: null,
  reached: null,
  lastAddress: null,
  resolved: [],
  isStopping: false,
  wasOrdered: false,
  knock: null,
  frozen: null,
  heartbeat: null,
  duplicateOf: null,
  drained,
})

/** The record with what follows from its next observation. */
export function observed(record: HostRecord, observation: Observation): HostRecord {
  if (observation.kind === 'failure')
    return {
      ...record,
      observation,
      primarySince: null,
      answersSince: null,
      ...endedWith(record, observation),
    }
  const {facts, session, askedAt, probeMs} = observation
  // A server that was started anew may be another one than it was: its answers begin anew.
  const isSameStart = factsOf(record)?.session.startedAt === session.startedAt
  return {
    ...record,
    observation,
    primarySince: facts.inRecovery ? null : (record.primarySince ?? askedAt),
    answersSince: (isSameStart ? record.answersSince : null) ?? askedAt + probeMs,
    reached: facts.inRecovery ? reachedBy(record.reached, session.startedAt, facts.timeline) : null,
    lastAddress: session.remoteAddress,
    isStopping: false,
    wasOrdered: false,
  }
}

/** What the end of a session says of the server, beside what is known of it already. */
export const endedWith = (
  {isStopping, wasOrdered}: HostRecord,
  failure: Failure,
): Pick<HostRecord, 'isStopping' | 'wasOrdered'> => ({
  isStopping: isStopping || isStopWord(failure),
  wasOrdered: wasOrdered || failure.isOrdered === true,
})

/** The record after a knock. `against`: what the knock has against the host; `null`: nothing. */
export const knocked = (record: HostRecord, against: Failure | null): HostRecord => ({
  ...record,
  knock: against,
  isStopping: against === null ? false : record.isStopping || isStopWord(against),
})

/** SQLSTATE 57P03, or a warning before the end of a session. An end without a word is none. */
const isStopWord = ({cause, isStopping}: Failure): boolean => cause === 'not-accepting' || isStopping === true

/** Without its receiver a standby tells the timeline of its last checkpoint, which is behind. */
function reachedBy(before: HostRecord['reached'], startedAt: number | null, now: number | null): HostRecord['reached'] {
  const kept = before !== null && before.startedAt === startedAt ? before.timeline : 0
  const timeline = Math.max(kept, now ?? 0)
  return timeline > 0 ? {startedAt, timeline} : null
}

export type HostCondition = Readonly<{role: Role; cause: Cause | null; detail: string | null}>

/** The facts of a host that answered, however old; `null` when the last probe failed. */
export function factsOf(record: HostRecord): Readonly<{session: SessionFacts; facts: Facts}> | null {
  return record.observation?.kind === 'facts' ? record.observation : null
}

/**
 * Role and cause of a host as of `now` (DESIGN 4.1). `foreignTo`: the identifier of the cluster
 * that the host should belong to and does not. The order matters: an old answer proves nothing, a
 * server of another cluster is not judged, and an old session that still answers proves less than a
 * knock.
 */
export function conditionOf(
  record: HostRecord,
  now: number,
  maxAgeMs: number,
  foreignTo: string | null,
): HostCondition {
  const {observation} = record
  if (observation === null) return {role: 'unavailable', cause: null, detail: 'not asked yet'}
  if (observation.kind === 'failure') return unavailable(observation)
  const ageMs = now - observation.askedAt
  if (ageMs > maxAgeMs) return unavailable({cause: 'stale', detail: `the last answer is older than ${maxAgeMs} ms`})
  if (record.duplicateOf !== null) {
    return unavailable({
      cause: 'duplicate',
      detail: `the same server as ${record.duplicateOf}: remove one of the two names from the configuration`,
    })
  }
  if (foreignTo !== null) {
    const detail = `its system identifier is ${observation.session.systemIdentifier}, but the cluster's is ${foreignTo}`
    return unavailable({cause: 'foreign-cluster', detail})
  }
  if (record.knock !== null) return unavailable(record.knock)
  if (hasMoved(record)) return unavailable(movedAway(record))
  if (observation.facts.inRecovery) return {role: 'standby', cause: null, detail: null}
  if (record.frozen !== null) return unavailable(record.frozen)
  return {role: 'primary', cause: null, detail: null}
}

/**
 * The host's name no longer leads to the server that answered us last. A router that asks the name
 * gets to another one, whatever that is.
 */
export const hasMoved = ({lastAddress, resolved}: HostRecord): boolean =>
  lastAddress !== null && resolved.length > 0 && !resolved.includes(lastAddress)

const movedAway = ({settings: {connection}, resolved, lastAddress}: HostRecord): Failure => {
  const where = resolved.join(', ')
  return {
    cause: 'closed',
    detail: `${connection.host} leads to ${where} now, and the session is with the server at ${lastAddress}`,
  }
}

const unavailable = ({cause, detail}: Failure): HostCondition => ({role: 'unavailable', cause, detail})

export const lookedUp = (record: HostRecord, resolved: readonly string[]): HostRecord =>
  record.resolved === resolved ? record : {...record, resolved}

/** Every address under which another server may name the host, the configured ones first. */
export function addressesOf(record: HostRecord): readonly string[] {
  const {connection, aliases} = record.settings
  const remote = factsOf(record)?.session.remoteAddress ?? null
  return [connection.host, connection.hostaddr, remote, ...aliases].filter(
    (address): address is string => address !== null,
  )
}

/**
 * Every address under which a load balancer may name the host: also where it was before it went out
 * of sight, and where its name leads now.
 */
export const serverAddressesOf = (record: HostRecord): readonly string[] => [
  ...new Set([
    ...addressesOf(record),
    ...(record.lastAddress === null ? [] : [record.lastAddress]),
    ...record.resolved,
  ]),
]
