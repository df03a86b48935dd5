import type {Failure} from '../../core/facts/observation.ts'
import type {Clock, HostDriver, KnockAnswer} from '../../core/ports.ts'
import {sleep} from '../../core/wait.ts'
import {isSilence} from '../knock-loop.ts'

export type AlarmDeps = Readonly<{
  driver: HostDriver
  clock: Clock
  /** The second knock follows the first one by this time: a packet of one may get lost. */
  staggerMs: number
  /** A knock was answered, whatever with. */
  heard: (answer: KnockAnswer) => void
}>

/**
 * A question of the session went unanswered: two knocks tell whether the host answers at all.
 * Nothing is knocked at where `isHeard` from the start.
 */
export class PingAlarm {
  readonly at: number
  /** When the question was sent that raised it. */
  readonly since: number
  readonly #stop = new AbortController()
  readonly #knocks: readonly Promise<KnockAnswer | null>[]
  #isHeard: boolean

  constructor(deps: AlarmDeps, since: number, isHeard: boolean) {
    this.at = deps.clock.now()
    this.since = since
    this.#isHeard = isHeard
    this.#knocks = isHeard ? [] : [this.#knock(deps, 0), this.#knock(deps, deps.staggerMs)]
  }

  /** A knock was answered. */
  get isHeard(): boolean {
    return this.#isHeard
  }

  /** Ends the knocks. */
  stop(): void {
    this.#stop.abort()
  }

  /** Ends the knocks, and tells how the host fails: its kernel still accepts connections, or nothing does. */
  async verdict(silentMs: number): Promise<Failure> {
    this.stop()
    const answers = await Promise.all(this.#knocks)
    const isReached = answers.some((answer) => answer !== null && answer.remoteAddress !== null)
    const silent = `neither its session nor a new connection was answered for ${Math.round(silentMs)} ms`
    return isReached
      ? {cause: 'hung', detail: `${silent}, though its machine accepts connections`}
      : {cause: 'timeout', detail: silent}
  }

  async #knock({driver, clock, heard}: AlarmDeps, delayMs: number): Promise<KnockAnswer | null> {
    const {signal} = this.#stop
    if (delayMs > 0) await sleep(clock, delayMs, signal)
    if (signal.aborted) return null
    const answer = await driver.knock(signal)
    if (signal.aborted || isSilence(answer)) return answer
    this.#isHeard = true
    heard(answer)
    return answer
  }
}
