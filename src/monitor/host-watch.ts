import type {Admission} from '../core/admission.ts'
import {type Backoff, nextBackoff} from '../core/backoff.ts'
import {endedWith, type HostRecord, observed} from '../core/facts/host-record.ts'
import type {Failure} from '../core/facts/observation.ts'
import {type Clock, type HostDriver, type HostSession, isFailure, type Meter, type Random} from '../core/ports.ts'
import type {HostSettings, ProbeSettings} from '../core/settings.ts'
import {afterLimit, deadline, nap, onAbort, sleep} from '../core/wait.ts'
import {knockLoop} from './knock-loop.ts'

/**
 * How long a closed session may remain a question before it is an answer (DESIGN 4.1): longer where
 * the round trips of a new session (TCP, TLS, login by SCRAM, first question) take longer.
 */
const grace = {ms: 250, trips: 8} as const
/** A probe takes one round trip, and another one where a packet gets lost and is repeated. */
const probeTrips = 2
/** An answer counts as slow only from here on: a busy server is no slow network. */
const slowMs = 100
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
  #pausing: ReturnType<typeof nap> | null = null
  #session: HostSession | null = null
  #renew: () => void = () => {}
  #isDue = false
  #reopenedAt = Number.NEGATIVE_INFINITY
  #nudgedAt = Number.NEGATIVE_INFINITY
  /** The probe under way, and how long it takes at most as its round trips went so far. */
  #asking: Readonly<{at: number; usualMs: number}> | null = null
  /** When the last answer came that took longer than usual. */
  #slowAt = Number.NEGATIVE_INFINITY
  #done: Promise<void> | null = null

  constructor(deps: WatchDeps) {
    this.#deps = deps
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
    this.#pausing?.wake()
  }

  /** Asks without waiting for the rest of the interval; nothing where a question is under way. */
  askNow(): void {
    this.#isDue = true
    this.#pausing?.wake()
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
        await sleep(clock, this.#backoff.waitMs, signal)
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
    meter.connectionOpened(settings.name)
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
    const ending: {failure: Failure | null} = {failure: null}
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
    const {remoteAddress: sessionAddress} = session.facts
    const isSlow = (since: number) => this.#isSlow(since)
    void knockLoop({...this.#deps, sessionAddress, isSlow, leave, moved}, over.signal)
    while (!over.signal.aborted) {
      const askedAt = clock.now()
      this.#isDue = false
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
      await this.#pause(askedAt, over.signal)
    }
    const {failure} = ending
    if (this.#stop.signal.aborted || failure === null || failure.cause === 'not-accepting') return null
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
    const asking = {at: askedAt, usualMs: driver.limitMs(slowMs, 1)}
    this.#asking = asking
    const facts = await session.probe({nudge}, limit.signal)
    const probeMs = clock.now() - askedAt
    if (probeMs > asking.usualMs) this.#slowAt = clock.now()
    this.#asking = null
    if (isFailure(facts)) return facts
    meter.probed(settings.name, probeMs)
    answered(limitMs)
    const observation = {host: settings.name, kind: 'facts', askedAt, probeMs, session: session.facts, facts} as const
    update((record) => ({...observed(record, observation), knock: clearsKnock ? null : record.knock}))
    return null
  }

  /** Was an answer of the session slower than usual after `since`, or is it now? */
  #isSlow(since: number): boolean {
    const asking = this.#asking
    return this.#slowAt >= since || (asking !== null && this.#deps.clock.now() - asking.at > asking.usualMs)
  }

  /**
   * Waits for the rest of the interval; a faster pace that begins meanwhile counts from the same
   * start.
   */
  async #pause(askedAt: number, signal: AbortSignal): Promise<void> {
    const {clock, intervalMs} = this.#deps
    for (;;) {
      const restMs = askedAt + intervalMs() - clock.now()
      if (restMs <= 0 || this.#isDue || signal.aborted) return
      this.#pausing = nap(clock, restMs, signal)
      await this.#pausing.done
    }
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
