import {type HostRecord, knocked} from '../../core/facts/host-record.ts'
import type {Failure} from '../../core/facts/observation.ts'
import type {Clock, HostDriver, KnockAnswer, Meter, Pings} from '../../core/ports.ts'
import type {HostSettings, ProbeSettings} from '../../core/settings.ts'
import {failureIn} from '../knock-loop.ts'
import type {ProbeTurn} from '../probe-turn.ts'
import type {Slowness} from '../slowness.ts'
import {PingAlarm} from './alarm.ts'
import {type PingLimits, planPing} from './policy.ts'
import type {Due, PingTimer} from './timer.ts'

/** A ping takes one round trip, and another one where a packet gets lost and is repeated. */
const pingTrips = 2
/** What the knocks of an alarm take: TCP, TLS and the first answer, with room for a lost packet. */
const knockTrips = 8
const staggerMs = 100
export type PingWatchDeps = Readonly<{
  settings: Pick<HostSettings, 'name'>
  pings: Pings
  probe: Pick<ProbeSettings, 'pingTimeoutMs'>
  driver: HostDriver
  clock: Clock
  meter: Pick<Meter, 'alarmed'>
  timer: PingTimer
  turn: Pick<ProbeTurn, 'askNow' | 'changed'>
  slowness: Pick<Slowness, 'alarmed' | 'pinged' | 'pingsRestUntil'>
  /** Between two questions, at the pace of this moment. */
  intervalMs: () => number
  update: (change: (record: HostRecord) => HostRecord) => void
  /** Closes the session, so that a shutdown that waits for it can finish. */
  leave: () => void
  /** The first ping of the session went unanswered: what lies between may not speak pings. */
  mute: () => void
  /** Nothing answers. `since`: when the first unanswered question was sent. */
  lost: (since: number, failure: Failure) => void
}>

/** The pings of one session, from its first answered probe on. Owns no timer and no listener a ping. */
export class PingWatch implements Due, Disposable {
  readonly #deps: PingWatchDeps
  #askedAt: number
  #probeSentAt: number | null = null
  #alarm: PingAlarm | null = null
  #isCounted = false
  #isOver = false

  constructor(deps: PingWatchDeps) {
    this.#deps = deps
    this.#askedAt = deps.clock.now()
    deps.pings.listen({
      answered: (tripMs) => {
        this.#calm()
        deps.slowness.pinged(tripMs)
      },
      changed: () => deps.turn.changed(),
    })
    deps.timer.hasten(this)
  }

  /** The pace may have changed. */
  hasten(): void {
    this.#deps.timer.hasten(this)
  }

  probeSent(at: number): void {
    this.#probeSentAt = at
    this.#askedAt = at
  }

  probeAnswered(): void {
    this.#probeSentAt = null
    this.#calm()
  }

  step(now: number): number {
    const {pings, driver, probe, intervalMs, slowness} = this.#deps
    // The probes go on, with their own limit and the knocks beside them.
    if (pings.sentAt === null && this.#alarm === null && now < slowness.pingsRestUntil) return slowness.pingsRestUntil
    const limits: PingLimits = {
      intervalMs: intervalMs(),
      timeoutMs: driver.limitMs(probe.pingTimeoutMs, pingTrips),
      graceMs: driver.limitMs(probe.pingTimeoutMs / 2, knockTrips),
    }
    const unansweredSince = pings.sentAt ?? this.#probeSentAt
    const step = planPing({unansweredSince, askedAt: this.#askedAt, alarm: this.#alarm}, limits, now)
    if (step.kind === 'ping') {
      this.#askedAt = now
      pings.send()
    } else if (step.kind === 'alarm') this.#raise(unansweredSince ?? now)
    else if (step.kind === 'lost') void this.#lose(now)
    // The question under way may be answered at any moment, and the next ping be due then.
    const next = now + limits.intervalMs
    return step.kind === 'wait' ? Math.min(step.until, next) : next
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#deps.timer.remove(this)
    this.#calm()
  }

  #raise(since: number): void {
    const {settings, pings, driver, clock, timer, meter, turn, slowness, mute} = this.#deps
    if (!pings.isProven && pings.sentAt !== null) {
      mute()
      return
    }
    this.#isCounted = timer.alarms.enter()
    const heard = (answer: KnockAnswer) => this.#heard(answer)
    const deps = {driver, clock, staggerMs: driver.limitMs(staggerMs, 1), heard}
    this.#alarm = new PingAlarm(deps, since, !this.#isCounted)
    meter.alarmed(settings.name)
    slowness.alarmed()
    turn.askNow()
  }

  /** What a new connection says counts, whatever becomes of the session. */
  #heard(answer: KnockAnswer): void {
    const against = failureIn(answer)
    if (against === null) return
    this.#deps.update((record) => knocked(record, against))
    if (against.cause === 'not-accepting') this.#deps.leave()
  }

  /** Something was answered. */
  #calm(): void {
    this.#alarm?.stop()
    this.#alarm = null
    if (this.#isCounted) this.#deps.timer.alarms.leave()
    this.#isCounted = false
  }

  async #lose(now: number): Promise<void> {
    const alarm = this.#alarm
    if (alarm === null) return
    this.#deps.timer.remove(this)
    const failure = await alarm.verdict(now - alarm.since)
    if (this.#alarm === alarm && !this.#isOver) this.#deps.lost(alarm.since, failure)
    else if (!this.#isOver) this.hasten()
  }
}
