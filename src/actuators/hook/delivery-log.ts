import type {Log} from '../../core/ports.ts'
import {type HookEvent, hookId} from './event.ts'

/**
 * What became of one hook. `ms`: how long the try took. `waiting`: events that wait in the queue.
 * `dropped`: events that were lost, since the start.
 */
export type HookReport = Readonly<{
  actuator: string
  /**
   * `delivered`, `failed`: one try. `dropped`: one event that nobody will be told - its tries are
   * used up, or the queue was full.
   */
  outcome: 'delivered' | 'failed' | 'dropped'
  /** What is wrong with the hook now, and what to do; `null`: nothing. */
  problem: string | null
  ms: number
  waiting: number
  dropped: number
}>

type Report = (report: HookReport) => void

/**
 * Says what becomes of a hook: a problem when it comes, when it becomes another one, and when it is
 * over; each lost event; a full queue once.
 */
export class DeliveryLog {
  readonly #name: string
  readonly #log: Log
  readonly #report: Report
  #problem = ''
  #dropped = 0
  /** Dropped since the queue was last empty. */
  #overflow = 0
  readonly #waiting: () => number

  constructor({name, log, report, waiting}: Readonly<{name: string; log: Log; report: Report; waiting: () => number}>) {
    this.#name = name
    this.#log = log
    this.#report = report
    this.#waiting = waiting
  }

  delivered(event: HookEvent, problem: string | null, ms: number): void {
    this.#log.debug(this.#about(event), `${this.#name}: told`)
    if (problem !== null) this.#logProblem(problem, {})
    else if (this.#problem !== '') {
      this.#log.info({target: this.#name}, `${this.#name}: in order again`)
      this.#problem = ''
    }
    if (this.#waiting() === 0) this.caughtUp()
    this.#send('delivered', problem ?? (this.#overflow > 0 ? full : null), ms)
  }

  failed(event: HookEvent, problem: string, details: object, ms: number): void {
    this.#logProblem(problem, {...this.#about(event), ...details})
    this.#send('failed', problem, ms)
  }

  /**
   * `tries` are used up, or more of them would change nothing, or there is no time left for them.
   */
  gaveUp(event: HookEvent, problem: string, tries: number): void {
    this.#dropped += 1
    const {group, from, to} = event.change
    const message = `${this.#name}: was not told that ${group} went from ${from ?? 'nothing'} to ${to}, ${tries} ${tries === 1 ? 'try' : 'tries'}`
    this.#log.error(this.#about(event), `${message}: ${problem}`)
    this.#send('dropped', problem, 0)
  }

  overflowed(): void {
    this.#dropped += 1
    this.#overflow += 1
    if (this.#overflow === 1) this.#log.error({target: this.#name, waiting: this.#waiting()}, `${this.#name}: ${full}`)
    this.#send('dropped', full, 0)
  }

  /** The queue is empty: a burst is over. */
  caughtUp(): void {
    if (this.#overflow === 0) return
    this.#log.warn(
      {target: this.#name, dropped: this.#overflow},
      `${this.#name}: ${this.#overflow} events were dropped while its queue was full`,
    )
    this.#overflow = 0
  }

  stopped(left: number): void {
    if (left > 0)
      this.#log.warn({target: this.#name, left}, `${this.#name}: stopped before ${left} events could be told`)
  }

  #logProblem(problem: string, fields: object): void {
    const level = problem === this.#problem ? 'debug' : 'warn'
    this.#log[level]({target: this.#name, ...fields}, `${this.#name}: ${problem}`)
    this.#problem = problem
  }

  #send(outcome: HookReport['outcome'], problem: string | null, ms: number): void {
    this.#report({actuator: this.#name, outcome, problem, ms, waiting: this.#waiting(), dropped: this.#dropped})
  }

  #about(event: HookEvent): object {
    return {target: this.#name, group: event.change.group, id: hookId(event)}
  }
}

const full =
  'its queue is full, the oldest events are dropped: make it faster, lower its timeout and retries, or tell it less ("on", "groups")'
