import {type Backoff, type BackoffPolicy, nextBackoff} from '../../core/backoff.ts'
import {type Clock, isFailure, type Random} from '../../core/ports.ts'
import type {HostSettings, RepmgrSettings} from '../../core/settings.ts'
import {nap} from '../../core/wait.ts'
import {type Reading, rowsFrom, tableSql} from './table.ts'
import {type TableFailure, unreadable} from './unreadable.ts'

type Rows = readonly Readonly<Record<string, unknown>>[]

/** A session in the database of repmgr. No method rejects. */
export interface TableSession {
  readonly isOver: boolean
  ask(text: string, signal: AbortSignal): Promise<Rows | TableFailure>
  close(): void
}

/** Opens a session on one host; app/serve passes the login of the probes. */
export type OpenTable = (signal: AbortSignal) => Promise<TableSession | TableFailure>

export type TableWatchDeps = Readonly<{
  host: HostSettings
  settings: RepmgrSettings
  open: OpenTable
  clock: Clock
  random: Random
  /** Time between the end of one question and the next one. */
  intervalMs: () => number
  /** Called after each question, the failed ones included. */
  read: (reading: Reading) => void
}>

/** What the operator has to correct does not change by asking: each refusal is a line in the server's log. */
const blindMs = 10_000

/**
 * Reads the table of one host again and again, on one session that is kept. One question at a time, so
 * a server that hangs costs one session.
 */
export class TableWatch {
  readonly #deps: TableWatchDeps
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #session: TableSession | null = null
  #backoff: Backoff | null = null
  #wake: () => void = () => {}
  #isHastened = false

  constructor(deps: TableWatchDeps) {
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
      const reading = await this.#read(signal)
      if (signal.aborted) break
      this.#deps.read(reading)
      if (this.#isHastened) continue
      const {done, wake} = nap(this.#deps.clock, this.#waitMs(reading), signal)
      this.#wake = wake
      await done
      this.#wake = () => {}
    }
    this.#session?.close()
  }

  /** Stamped before the question leaves: a slow answer must look old, not fresh. */
  async #read(signal: AbortSignal): Promise<Reading> {
    const {host, settings, open, clock} = this.#deps
    const begunAt = clock.now()
    if (this.#session?.isOver !== false) {
      const opened = await open(signal)
      if (isFailure(opened)) return {kind: 'unreadable', askedAt: begunAt, ...unreadable(opened, host, settings)}
      this.#session = opened
    }
    const askedAt = clock.now()
    const rows = await this.#session.ask(tableSql(settings.schema), signal)
    if (isFailure(rows)) return {kind: 'unreadable', askedAt, ...unreadable(rows, host, settings)}
    return {kind: 'table', askedAt, rows: rowsFrom(rows)}
  }

  #waitMs(reading: Reading): number {
    const {intervalMs, random} = this.#deps
    if (reading.kind === 'table') {
      this.#backoff = null
      return intervalMs()
    }
    const policy: BackoffPolicy = {firstMs: 50, capMs: reading.isBlind ? blindMs : 1_000, jitter: 0.2}
    this.#backoff = nextBackoff(policy, this.#backoff, random)
    return this.#backoff.waitMs
  }
}
