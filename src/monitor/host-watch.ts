import type {Admission} from '../core/admission.ts'
import {type Backoff, nextBackoff} from '../core/backoff.ts'
import {endedWith, type HostRecord, observed} from '../core/facts/host-record.ts'
import type {Failure} from '../core/facts/observation.ts'
import {type Clock, type HostDriver, type HostSession, isFailure, type Meter, type Random} from '../core/ports.ts'
import type {HostSettings, ProbeSettings} from '../core/settings.ts'
import {afterLimit, deadline, nap, onAbort} from '../core/wait.ts'
import {knockLoop} from './knock-loop.ts'
import type {PingTimer} from './pings/timer.ts'
import {PingWatch, type PingWatchDeps} from './pings/watch.ts'
import {ProbeTurn} from './probe-turn.ts'
import {Slowness} from './slowness.ts'

/**
 * How long a closed session may remain a question before it is an answer (DESIGN 4.1): longer where
 * the round trips of a new session (TCP, TLS, login by SCRAM, first question) take longer.
 */
const grace = {ms: 250, trips: 8} as const
/** A probe takes one round trip, and another one where a packet gets lost and is repeated. */
const probeTrips = 2
/** Up to the probe interval of the moment. */
export const reconnects = {firstMs: 50, jitter: 0.5} as const

export type WatchDeps = Readonly<{
  settings: HostSettings
  probe: ProbeSettings
  driver: HostDriver
  /** Of all hosts: a session is opened when there is a place. */
  admission: Admission
  clock: Clock
  random: Random
  meter: Meter
  update: (change: (record: HostRecord) => HostRecord) => void
  /** A session was opened, and nothing has been asked through it yet. */
  opened: (session: HostSession, signal: AbortSignal) => Promise<void>
  /** A probe was answered; `limitMs`: how long it might have taken. */
  answered: (limitMs: number) => void
  intervalMs: () => number
  /** Between two questions where the session is pinged; `null`: it is not. */
  pingIntervalMs: (() => number) | null
  /** Of all hosts. */
  timer: PingTimer
  /** Does the next probe also nudge the primary, last nudged at `nudgedAt` (monotonic)? */
  isNudgeDue: (nudgedAt: number) => boolean
}>

/**
 * The loop of one host: one session that is kept, probes that never overlap. A closed session is
 * opened again at once. Nothing here waits for another host.
 */
export class HostWatch {
  readonly #deps: WatchDeps
  readonly #stop = new AbortController()
  #backoff: Backoff | null = null
  readonly #turn: ProbeTurn
  readonly #slowness: Slowness
  #pings: PingWatch | null = null
  #session: HostSession | null = null
  #renew: () => void = () => {}
  #retry: ReturnType<typeof nap> | null = null
  #reopenedAt = Number.NEGATIVE_INFINITY
  #nudgedAt = Number.NEGATIVE_INFINITY
  #done: Promise<void> | null = null

  constructor(deps: WatchDeps) {
    const {clock, intervalMs, probe, driver} = deps
    this.#deps = deps
    this.#turn = new ProbeTurn({clock, intervalMs, newsMs: probe.fastIntervalMs})
    this.#slowness = new Slowness(clock, driver)
  }

  get settings(): HostSettings {
    return this.#deps.settings
  }

  get session(): HostSession | null {
    return this.#session
  }

  start(): void {
    this.#done = this.#run()
  }

  /**
   * The pace may have changed: a pause that is under way is cut to the new interval. The monitor
   * calls this for every host of a group that something happened to.
   */
  hasten(): void {
    this.#turn.hasten()
    this.#pings?.hasten()
  }

  /** Asks without waiting for the rest of the interval; nothing where a question is under way. */
  askNow(): void {
    this.#turn.askNow()
  }

  /** Asks now, also where the next attempt to connect has to wait. */
  poke(): void {
    this.#turn.askNow()
    this.#retry?.wake()
  }

  /** Ends the session and opens another one at once, so that the server proves again who it is. */
  renew(): void {
    this.#renew()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#session?.close()
    await this.#done
    await this.#deps.driver.close()
  }

  async #run(): Promise<void> {
    const {signal} = this.#stop
    const {clock, random, intervalMs} = this.#deps
    let wasClosed = false
    while (!signal.aborted) {
      const session = await this.#open(wasClosed)
      const closed = session === null ? null : await this.#attend(session)
      // A server that accepts a session, answers and closes it again must not be asked in a tight
      // loop. Its answer stands while it is fresh: idle_session_timeout below our interval does
      // just this, on a healthy primary.
      wasClosed = closed !== null
      const isPaced = wasClosed && clock.now() - this.#reopenedAt < intervalMs()
      if (wasClosed && !isPaced) this.#reopenedAt = clock.now()
      if ((!wasClosed || isPaced) && !signal.aborted) {
        this.#backoff = nextBackoff({...reconnects, capMs: intervalMs()}, this.#backoff, random)
        this.#retry = nap(clock, this.#backoff.waitMs, signal)
        await this.#retry.done
      }
    }
  }

  /**
   * Opens a session; a failure is reported. After a close, silence for the grace is reported while
   * the attempt goes on.
   */
  async #open(wasClosed: boolean): Promise<HostSession | null> {
    const {clock, driver, admission, meter, settings} = this.#deps
    const {signal} = this.#stop
    // Every limit begins when the login is admitted: the queue is no fault of the host.
    const leave = admission.enterNow() ?? (await admission.enter({isUrgent: wasClosed, signal}))
    if (signal.aborted) {
      leave()
      return null
    }
    const graceMs = Math.round(driver.limitMs(grace.ms, grace.trips))
    const askedAt = clock.now()
    const cancelGrace = wasClosed
      ? afterLimit(clock, graceMs, () =>
          this.#failed(askedAt, {
            cause: 'closed',
            detail: `the session was closed, and no new one opened within ${graceMs} ms`,
          }),
        )
      : () => {}
    const result = await driver.open(signal)
    cancelGrace()
    leave()
    if (signal.aborted) {
      if (!isFailure(result)) result.close()
      return null
    }
    if (isFailure(result)) {
      this.#failed(askedAt, result)
      return null
    }
    meter.connectionOpened(settings.name, result.facts.certificateEndsAt ?? null)
    return result
  }

  /**
   * Probes through one session until it is over. A failure: the other side closed it after it had
   * answered - a question, to be asked again at once.
   */
  async #attend(session: HostSession): Promise<Failure | null> {
    const {clock, opened} = this.#deps
    const over = new AbortController()
    const end = () => over.abort()
    const forget = onAbort(this.#stop.signal, end)
    this.#session = session
    const ending: {failure: Failure | null; lostSince: number | null} = {failure: null, lostSince: null}
    const endWith = (failure: Failure) => {
      ending.failure ??= failure
      end()
    }
    session.onClosed(endWith)
    this.#renew = () => endWith({cause: 'closed', detail: 'closed by pgroute66, to see which server answers now'})
    using _ = {
      [Symbol.dispose]: () => {
        forget()
        end()
        session.close()
        this.#session = null
        this.#pings?.[Symbol.dispose]()
        this.#pings = null
        this.#renew = () => {}
      },
    }

    let answered = false
    await opened(session, over.signal)
    const leave = () => {
      endWith({cause: 'not-accepting', detail: 'closed by pgroute66, so that the server can stop'})
      // The heartbeat's session would hold the shutdown up as well.
      void this.#deps.driver.close()
    }
    const moved = () => {
      endWith({cause: 'closed', detail: 'closed by pgroute66, because its name leads to another server now'})
      // The heartbeat's session leads to the old server as well.
      void this.#deps.driver.close()
    }
    const mute = () => endWith({cause: 'closed', detail: 'closed by pgroute66, to go on without pings'})
    const lost = (since: number, failure: Failure) => {
      if (!over.signal.aborted) ending.lostSince = since
      endWith(failure)
    }
    const {remoteAddress: sessionAddress, logsKnocks: isLogged = false} = session.facts
    const isSlow = (since: number) => this.#slowness.isSlow(since, session.pings?.sentAt ?? null)
    void knockLoop({...this.#deps, isLogged, sessionAddress, isSlow, leave, moved}, over.signal)
    while (!over.signal.aborted) {
      const askedAt = this.#turn.begin()
      // The postmaster accepted this session: the first answer clears what the last knock had
      // against the host.
      const failure = await this.#probe(session, askedAt, over.signal, !answered)
      if (failure !== null) {
        // A question under way may fail before `onClosed` fires.
        if (failure.cause === 'closed') endWith(failure)
        if (over.signal.aborted) break
        this.#failed(askedAt, failure)
        return null
      }
      // One answer is not yet a recovery.
      if (answered) this.#backoff = null
      answered = true
      this.#pings ??= this.#watchPings(session, {leave, lost, mute})
      await this.#turn.rest(askedAt, over.signal)
    }
    const {failure, lostSince} = ending
    if (this.#stop.signal.aborted || failure === null || failure.cause === 'not-accepting') return null
    if (lostSince !== null) {
      this.#failed(lostSince, failure)
      return null
    }
    if (!answered) this.#failed(clock.now(), failure)
    else if (failure.isStopping || failure.isOrdered)
      this.#deps.update((record) => ({...record, ...endedWith(record, failure)}))
    return answered ? failure : null
  }

  async #probe(
    session: HostSession,
    askedAt: number,
    signal: AbortSignal,
    clearsKnock: boolean,
  ): Promise<Failure | null> {
    const {clock, driver, probe, meter, settings, update, isNudgeDue, answered} = this.#deps
    const limitMs = driver.limitMs(probe.timeoutMs, probeTrips)
    using limit = deadline(clock, limitMs, signal)
    const nudge = isNudgeDue(this.#nudgedAt)
    if (nudge) this.#nudgedAt = askedAt
    this.#slowness.asked(askedAt)
    this.#pings?.probeSent(askedAt)
    const facts = await session.probe({nudge}, limit.signal)
    const probeMs = clock.now() - askedAt
    this.#slowness.ended()
    if (isFailure(facts)) return facts
    this.#pings?.probeAnswered()
    meter.probed(settings.name, probeMs)
    answered(limitMs)
    const observation = {host: settings.name, kind: 'facts', askedAt, probeMs, session: session.facts, facts} as const
    update((record) => ({...observed(record, observation), knock: clearsKnock ? null : record.knock}))
    return null
  }

  /** `null`: this session is not pinged. */
  #watchPings({pings}: HostSession, ends: Pick<PingWatchDeps, 'leave' | 'lost' | 'mute'>): PingWatch | null {
    const {pingIntervalMs} = this.#deps
    if (pings === null || pingIntervalMs === null) return null
    const [turn, slowness] = [this.#turn, this.#slowness]
    return new PingWatch({...this.#deps, pings, turn, slowness, intervalMs: pingIntervalMs, ...ends})
  }

  #failed(askedAt: number, failure: Failure): void {
    const {settings, meter, update, clock} = this.#deps
    meter.failed(settings.name, failure.cause)
    const observation = {
      host: settings.name,
      kind: 'failure',
      askedAt,
      probeMs: clock.now() - askedAt,
      ...failure,
    } as const
    update((record) => ({...observed(record, observation), frozen: null}))
  }
}
