import type {Facts, Failure} from '../../src/core/facts/observation.ts'
import type {Clock, HostDriver, HostSession, KnockAnswer, Random} from '../../src/core/ports.ts'
import {adaptedMs, measured, type RoundTrip} from '../../src/core/round-trip.ts'
import {deadline} from '../../src/core/wait.ts'
import {PingTrials} from '../../src/sources/pg/pings/ping-trials.ts'
import {question} from './question.ts'
import {simulatedHeartbeat} from './simulated-heartbeat.ts'
import {simulatedPings} from './simulated-pings.ts'
import {ourIdentifier, type SimulatedServer} from './simulated-server.ts'
import type {History} from './wal.ts'

/** `history`: what the server held when it gave the answer. */
export type Answer = Readonly<{
  askedAt: number
  answeredAt: number
  facts: Facts
  systemIdentifier: string
  startedAt: number
  history: History
}>

/**
 * What one name was told last, and how often it asked: the truth that a verdict is measured
 * against.
 */
export class Told {
  /** The last facts ever, whatever was told after them. */
  last: Answer | null = null
  /** The last answer; `null` once a failure, or the end of the session, was told after it. */
  answer: Answer | null = null
  /** Knocks in a row that were not answered; a session that was let in begins anew. */
  unanswered = 0
  /**
   * When it was last seen as a standby or another cluster's, or refused after it had said that it
   * stops: what ends its part in a split brain.
   */
  excusedAt = Number.NEGATIVE_INFINITY
  /** The last that was heard of it is a word that only a stopping server says. */
  isStopping = false
  /** The last heartbeat did not commit. */
  isStuck = false
  get isShut(): boolean {
    return this.unanswered > 1
  }
  readonly opens: number[] = []
  readonly knocks: number[] = []
  readonly probes: number[] = []
  readonly pings: number[] = []
  /** What lies between and our pings. */
  betweenPings: 'passes' | 'swallows' | 'closes' = 'passes'
  readonly beats: number[] = []
  /** Those of the heartbeats that write. */
  readonly writes: number[] = []
  openSessions = 0
  /** This name leads nowhere, whatever the server does. */
  isUnreachable = false
  /** Further addresses that DNS has for this name. */
  alsoAt: readonly string[] = []
  /** DNS does not answer. */
  isUnresolved = false
  lookUps = 0
  /** What was found when the name was last looked up. */
  resolved: readonly string[] = []
  /** Ends the sessions of this name alone, as a router in between would. */
  drop: () => void = () => {}
}

export type Wires = Readonly<{
  clock: Clock
  random: Random
  /** Which server the name leads to now. */
  server: () => SimulatedServer
  servers: () => readonly SimulatedServer[]
  /** One way. */
  latencyMs: () => number
  /** How long the monitor waits for an answer. */
  patienceMs: () => number
  told: Told
}>

/** Longer round trips are those of a slow way. */
const steadyMs = 100
const timedOut: Failure = {cause: 'timeout', detail: 'no answer in time'}
const gone: Failure = {cause: 'closed', detail: 'the session is over'}

/**
 * Reaches one simulated server, as a PostgreSQL driver would: nothing arrives at once, and much may
 * never.
 */
export function simulatedDriver(wires: Wires): HostDriver {
  const {clock, told} = wires
  const sessions = new Map<HostSession, () => void>()
  told.drop = () => {
    for (const end of [...sessions.values()]) end()
  }
  const heartbeat = simulatedHeartbeat(wires)
  const trials = new PingTrials(clock, () => {})
  let roundTrip: RoundTrip | null = null
  const limitMs = (configuredMs: number, trips: number) => adaptedMs(configuredMs, trips, roundTrip)
  const answered = (askedAt: number) => {
    roundTrip = measured(roundTrip, clock.now() - askedAt)
  }
  const lookUp = () => {
    const found = [wires.server().address, ...told.alsoAt]
    if (found.join() !== told.resolved.join()) told.resolved = found
  }
  const heard = <T extends Failure | null>(failure: T): T => {
    if (failure === null) told.isStopping = false
    else if (failure.cause === 'not-accepting') told.isStopping = true
    else if (failure.cause === 'refused' && told.isStopping) told.excusedAt = clock.now()
    return failure
  }
  return {
    limitMs,
    async open(parent) {
      const askedAt = clock.now()
      told.opens.push(askedAt)
      const server = wires.server()
      using limit = deadline(clock, limitMs(3 * wires.patienceMs(), 2), parent)
      const {signal} = limit
      if (told.isUnreachable) return {cause: 'dns', detail: 'no such name'}
      lookUp()
      const failure = await question<Failure | null>(signal, timedOut, (settle) => {
        clock.after(wires.latencyMs(), () =>
          server.enter((answer) => clock.after(wires.latencyMs(), () => settle(answer))),
        )
      })
      if (failure !== null) {
        told.answer = null
        return heard(failure)
      }
      heard(null)
      told.unanswered = 0
      answered(askedAt)
      const {session, end} = simulatedSession(wires, server, {answered, trials, forget: () => sessions.delete(session)})
      sessions.set(session, () => end(gone))
      return session
    },
    async knock(parent): Promise<KnockAnswer> {
      if (!told.isUnreachable && !told.isUnresolved) lookUp()
      using limit = deadline(clock, limitMs(wires.patienceMs(), 2), parent)
      const {signal} = limit
      const begun = clock.now()
      told.knocks.push(begun)
      const server = wires.server()
      let isReached = false
      const failure = await question<Failure | null>(signal, timedOut, (settle) => {
        clock.after(wires.latencyMs(), () => server.enter(settle))
        // The kernel accepts, whatever PostgreSQL does.
        clock.after(2 * wires.latencyMs(), () => {
          isReached = server.isReachable && server.isRunning
        })
      })
      // One that was given up because the session ended says nothing.
      const remoteAddress = isReached || failure?.cause !== 'timeout' ? server.address : null
      if (failure?.cause === 'timeout' && clock.now() - begun < wires.patienceMs())
        return {kind: 'failure', ...failure, remoteAddress}
      // Where the session's answers are late as well, silence says nothing of the door.
      const isSteady = server.isReachable && 2 * wires.latencyMs() <= steadyMs
      if (failure === null) told.unanswered = 0
      else if (failure.cause !== 'timeout') told.unanswered = 2
      else if (isSteady) told.unanswered += 1
      heard(failure)
      return failure === null ? {kind: 'fine', remoteAddress} : {kind: 'failure', ...failure, remoteAddress}
    },
    async addresses() {
      told.lookUps += 1
      if (told.isUnreachable || told.isUnresolved) return []
      lookUp()
      return told.resolved
    },
    resolved: () => told.resolved,
    heartbeat: heartbeat.beat,
    async close() {
      for (const session of [...sessions.keys()]) session.close()
      heartbeat.close()
    },
  }
}

type Held = Readonly<{session: HostSession; end: (failure: Failure) => void}>

function simulatedSession(
  wires: Wires,
  server: SimulatedServer,
  {answered, trials, forget}: {answered: (askedAt: number) => void; trials: PingTrials; forget: () => void},
): Held {
  const {clock, random, told} = wires
  let isOver = false
  let listener: ((failure: Failure) => void) | null = null
  const open = new Set<(failure: Failure) => void>()
  told.openSessions += 1
  const end = (failure: Failure) => {
    if (isOver) return
    isOver = true
    told.openSessions -= 1
    told.answer = null
    told.isStopping ||= failure.isStopping === true
    pings.over()
    forget()
    // A question under way may learn of the end before, or after, we are told.
    const isTold = random() < 0.5
    if (isTold) listener?.(failure)
    for (const fail of open) fail(failure)
    if (!isTold) listener?.(failure)
  }
  const backend = server.newBackend((failure) => clock.after(wires.latencyMs(), () => end(failure)))
  const close = () => {
    if (isOver) return
    isOver = true
    told.openSessions -= 1
    told.answer = null
    pings.over()
    forget()
    for (const fail of open) fail(gone)
    server.leave(backend)
  }
  if (server.door === 'slamming') {
    server.backends.delete(backend)
    clock.after(1, () => end(gone))
  }

  const ask = async <T>(signal: AbortSignal, answer: () => T): Promise<T | Failure> => {
    if (isOver) return gone
    let fail: (failure: Failure) => void = () => {}
    const result = await question<T | Failure>(signal, timedOut, (settle) => {
      fail = settle
      open.add(fail)
      clock.after(wires.latencyMs(), () =>
        server.arrive(() => {
          if (isOver || server.isSessionLost || !server.backends.has(backend)) return
          const said = answer()
          const backMs = random() < 0.7 ? 0 : wires.latencyMs()
          if (backMs === 0) settle(said)
          // What is on its way when the network is cut does not arrive.
          else clock.after(backMs, () => server.isReachable && !isOver && settle(said))
        }),
      )
    })
    open.delete(fail)
    // A driver destroys the socket of a question that was given up.
    if (result === timedOut) close()
    return result
  }

  const pings = simulatedPings(wires, {server, backend, isOver: () => isOver, took: answered, trials})
  const session: HostSession = {
    pings: server.version >= 140_000 && !trials.isMuted ? pings : null,
    facts: {...server.sessionFacts, backendPid: backend.pid, backendStart: backend.start},
    async probe({nudge}, signal) {
      const askedAt = clock.now()
      told.probes.push(askedAt)
      let {history} = server
      const facts = await ask<Facts>(signal, () => {
        for (const each of wires.servers()) each.settle()
        if (nudge && server.isPrimary) {
          server.write(64)
          for (const each of wires.servers()) each.settle()
        }
        history = server.history
        return server.facts(wires.servers())
      })
      if ('cause' in facts) {
        told.answer = null
        return facts
      }
      answered(askedAt)
      pings.answerCame()
      const {systemIdentifier, startedAt} = server
      told.answer = {askedAt, answeredAt: clock.now(), facts, systemIdentifier, startedAt, history}
      told.last = told.answer
      if (facts.inRecovery || server.systemIdentifier !== ourIdentifier) told.excusedAt = clock.now()
      return facts
    },
    async hasBackend(pid, start, signal) {
      const answer = await ask<{found: boolean}>(signal, () => ({
        found: [...server.backends].some((each) => each.pid === pid && each.start === start),
      }))
      return 'cause' in answer ? null : answer.found
    },
    onClosed(told) {
      listener = told
    },
    close,
  }
  return {session, end}
}
