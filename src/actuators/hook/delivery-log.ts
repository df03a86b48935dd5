import type {Log} from '../../core/ports.ts'
import {type HookEvent, hookId} from './event.ts'

/**
 * One result of a hook. `ms`: how long the try took. `waiting`: events in the queue. `dropped`:
 * events lost since the start.
 */
export type HookReport = Readonly<{
  actuator: string
  /**
   * `delivered`, `failed`: one try. `dropped`: one event that is lost, because its tries are used up
   * or the queue was full.
   */
  outcome: 'delivered' | 'failed' | 'dropped'
  /** The present problem of the hook, and what to do; `null`: none. */
  problem: string | null
  ms: number
  waiting: number
  dropped: number
}>

type Report = (report: HookReport) => void

/**
 * Logs the deliveries of a hook: a problem when it begins, changes and ends; each lost event; a full
 * queue once.
 */
export class DeliveryLog {
  readonly #name: string
  readonly #log: Log
  readonly #report: Report
  #problem = ''
  #dropped = 0
  /** Events dropped since the queue was last empty. */
  #overflow = 0
  readonly #waiting: () => number

  constructor({name, log, report, waiting}: Readonly<{name: string; log: Log; report: Report; waiting: () => number}>) {
    this.#name = name
    this.#log = log
    this.#report = report
    this.#waiting = waiting
  }

  /** Events lost since the start. */
  get dropped(): number {
    return this.#dropped
  }

  delivered(event: HookEvent, problem: string | null, ms: number): void {
    this.#log.debug(this.#about(event), `${this.#name}: delivered`)
    if (problem !== null) this.#logProblem(problem, {})
    else if (this.#problem !== '') {
      this.#log.info({target: this.#name}, `${this.#name}: works again`)
      this.#problem = ''
    }
    if (this.#waiting() === 0) this.caughtUp()
    this.#send('delivered', problem ?? (this.#overflow > 0 ? full : null), ms)
  }

  failed(event: HookEvent, problem: string, details: object, ms: number): void {
    this.#logProblem(problem, {...this.#about(event), ...details})
    this.#send('failed', problem, ms)
  }

  /** `tries` are used up, or another try would fail as well, or there is no time left. */
  gaveUp(event: HookEvent, problem: string, tries: number): void {
    this.#dropped += 1
    const {group, from, to} = event.change
    const after = `after ${tries} ${tries === 1 ? 'try' : 'tries'}`
    const message = `${this.#name}: lost the event that ${group} went from ${from ?? 'nothing'} to ${to}, ${after}`
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
      `${this.#name}: dropped ${this.#overflow} events while its queue was full`,
    )
    this.#overflow = 0
  }

  stopped(left: number): void {
    if (left > 0) this.#log.warn({target: this.#name, left}, `${this.#name}: stopped with ${left} events undelivered`)
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

const full = [
  'the queue is full and drops its oldest events: make the hook faster,',
  'lower its timeout and retries, or send it fewer events ("on", "groups")',
].join(' ')
