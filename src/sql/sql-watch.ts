import {type Backoff, type BackoffPolicy, nextBackoff} from '../core/backoff.ts'
import type {OpenSql, SqlAnswer, SqlSession} from '../core/evidence/sql-session.ts'
import {type Clock, isFailure, type Random} from '../core/ports.ts'
import {nap} from '../core/wait.ts'

export type SqlWatchDeps = Readonly<{
  text: string
  open: OpenSql
  clock: Clock
  random: Random
  /** Time between the end of one question and the next one. */
  intervalMs: () => number
  /** Called after each question. `blind`: the operator has to grant or correct something. */
  heard: (answer: SqlAnswer) => 'answered' | 'failed' | 'blind'
}>

/** What the operator has to correct does not change by asking: each refusal is a line in the server's log. */
const longestMs = {failed: 1_000, blind: 10_000} as const

/**
 * Asks one question again and again, on one session that is kept. One question at a time, so a server
 * that hangs costs one session.
 */
export class SqlWatch {
  readonly #deps: SqlWatchDeps
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #session: SqlSession | null = null
  #backoff: Backoff | null = null
  #wake: () => void = () => {}
  #isHastened = false

  constructor(deps: SqlWatchDeps) {
    this.#deps = deps
    this.#done = this.#run()
  }

  /** Asks now, or once more as soon as the question that is under way has ended. */
  hasten(): void {
    this.#isHastened = true
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const {signal} = this.#stop
    while (!signal.aborted) {
      this.#isHastened = false
      const answer = await this.#ask(signal)
      if (signal.aborted) break
      const waitMs = this.#waitMs(this.#deps.heard(answer))
      if (this.#isHastened) continue
      const {done, wake} = nap(this.#deps.clock, waitMs, signal)
      this.#wake = wake
      await done
      this.#wake = () => {}
    }
    this.#session?.close()
  }

  async #ask(signal: AbortSignal): Promise<SqlAnswer> {
    const {text, open, clock} = this.#deps
    const begunAt = clock.now()
    if (this.#session?.isOver !== false) {
      const opened = await open(signal)
      if (isFailure(opened)) return {askedAt: begunAt, outcome: opened}
      this.#session = opened
    }
    const askedAt = clock.now()
    return {askedAt, outcome: await this.#session.ask(text, signal)}
  }

  #waitMs(what: 'answered' | 'failed' | 'blind'): number {
    const {intervalMs, random} = this.#deps
    if (what === 'answered') {
      this.#backoff = null
      return intervalMs()
    }
    const policy: BackoffPolicy = {firstMs: 50, capMs: longestMs[what], jitter: 0.2}
    this.#backoff = nextBackoff(policy, this.#backoff, random)
    return this.#backoff.waitMs
  }
}
