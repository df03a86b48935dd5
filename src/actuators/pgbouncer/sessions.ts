import type {Clock} from '../../core/ports.ts'
import type {Asks, Console, Row} from './console.ts'
import {readClients} from './read.ts'
import {isSameProcess} from './state.ts'

/**
 * PgBouncer answers PAUSE only after the last transaction. The pause begins as soon as PgBouncer
 * has read the command, and holds even if the session ends (seen).
 */
const pauseWaitMs = 20
/** A new session is compared with the kept ones at this interval. */
const checkMs = 10_000
/** So many new sessions in a row must reach the same process before the interval begins. */
const provenChecks = 10
/** After several processes were seen behind the address. */
const sharedMs = 600_000

type Session = Readonly<{
  console: Console
  /** The sessions of its process when it was opened, itself among them. */
  clients: ReadonlySet<string>
  /** Ends with the session: an unanswered PAUSE outlives the pass that gave it. */
  lifetime: AbortController
}>

/**
 * Kept sessions on the console of one PgBouncer process. An address is not a process: behind one
 * may stand several, by so_reuseport or a service address. (Seen: a PAUSE went to one process and
 * its RESUME to another; half of the clients waited for ever.) So a PAUSE is given in a session
 * that is kept until its RESUME, and only while a second session reaches the same process. A new
 * session that does not show a kept one, which is still alive, proves a second process.
 */
export class Sessions implements Asks, Disposable {
  readonly #open: (signal: AbortSignal) => Promise<Console>
  readonly #clock: Clock
  #signal: AbortSignal = AbortSignal.abort()
  /** All commands but PAUSE. */
  #current: Session | null = null
  /** On the same process: for the next PAUSE. */
  #spare: Session | null = null
  /** Database → the session of its PAUSE, until its RESUME. */
  readonly #pausing = new Map<string, Session>()
  /** Their PAUSE waits for transactions to end: they take no other command. */
  readonly #blocked = new Set<Session>()
  #checks = 0
  #checkedAt = Number.NEGATIVE_INFINITY
  #sharedUntil = Number.NEGATIVE_INFINITY
  /** PgBouncer's so_reuseport, as the latest pass has read it. */
  isPortShared = false

  constructor(open: (signal: AbortSignal) => Promise<Console>, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** Which session commands go to; for comparison alone. */
  get session(): object | null {
    return this.#current
  }

  /** Several processes stand behind the address, or may. */
  get isShared(): boolean {
    return this.isPortShared || this.#clock.now() < this.#sharedUntil
  }

  /** No other process has been behind the address for a while: neither a new one nor a second one. */
  get isProven(): boolean {
    return !this.isShared && this.#checks >= provenChecks
  }

  /** Whether the database may have been paused in the process that commands reach now. */
  mayHold(database: string): boolean {
    const session = this.#pausing.get(database)
    return session === undefined || (this.#current !== null && isSameProcess(session.clients, this.#current.clients))
  }

  /**
   * To be called at the start of each pass, which `signal` ends. Resolves to the reason why no new
   * session could be opened while a kept one serves; rejects if there is none.
   */
  async begin(signal: AbortSignal): Promise<string | null> {
    this.#signal = signal
    this.#dropEnded()
    try {
      if (!this.#isChecked()) await this.#check()
      if (!this.isShared) this.#spare ??= await this.#second()
      return null
    } catch (error) {
      if (this.#current === null || this.#current.console.isOver) throw error
      if (this.isShared) return null
      return error instanceof Error ? error.message : `${error}`
    }
  }

  ask(command: string): Promise<readonly Row[]> {
    const session = this.#current
    return session
      ? session.console.ask(command, this.#signal)
      : Promise.reject(new Error('the console of PgBouncer is closed'))
  }

  /** Resolves when PgBouncer has paused the database, or waits for its transactions to end. */
  async pause(database: string): Promise<void> {
    const session = this.#spare ?? (await this.#second())
    this.#spare = null
    this.#pausing.set(database, session)
    const answer = session.console.ask(`PAUSE ${quoted(database)}`, session.lifetime.signal)
    this.#blocked.add(session)
    const isAnswered = answer.finally(() => this.#blocked.delete(session))
    const {promise, resolve} = Promise.withResolvers<'waits'>()
    const cancel = this.#clock.after(pauseWaitMs, () => resolve('waits'))
    try {
      if ((await Promise.race([isAnswered, promise])) !== 'waits') this.#spare ??= session
    } catch (error) {
      this.#release(database)
      throw error
    } finally {
      cancel()
      isAnswered.catch(() => {})
    }
  }

  /** `false`: the database is not paused in this process, and may be in another one. */
  async resume(database: string): Promise<boolean> {
    const isCertain = this.isProven || this.#pausing.has(database)
    try {
      await this.ask(`RESUME ${quoted(database)}`)
    } catch (error) {
      // An operator has resumed or removed the database, or the pause is another process's.
      if (!(error instanceof Error && /is not paused|no such database/i.test(error.message))) throw error
      if (!isCertain) return false
    }
    this.#release(database)
    return true
  }

  /** It pauses the database too, until its RESUME. */
  async kill(database: string): Promise<void> {
    const isFirst = !this.#pausing.has(database)
    if (this.#current && isFirst) this.#pausing.set(database, this.#current)
    try {
      await this.ask(`KILL ${quoted(database)}`)
    } catch (error) {
      if (isFirst) this.#release(database)
      throw error
    }
  }

  [Symbol.dispose](): void {
    for (const session of this.#all()) close(session)
    this.#pausing.clear()
    this.#current = null
    this.#spare = null
  }

  #all = (): ReadonlySet<Session> =>
    new Set([this.#current, this.#spare, ...this.#pausing.values()].filter((session) => session !== null))

  /** A session that gave a PAUSE is replaced only once it has ended. */
  #isChecked(): boolean {
    if (this.#current === null || this.isShared) return false
    return this.#pausing.size > 0 || (this.#checks >= provenChecks && this.#clock.now() - this.#checkedAt < checkMs)
  }

  async #check(): Promise<void> {
    const fresh = await this.#session()
    const kept = [...this.#all()]
    const before = this.#current
    const isListed = kept.some(({clients}) => isSameProcess(clients, fresh.clients))
    const isOther = !isListed && (await this.#answers(kept))
    if (isOther) this.#sharedUntil = this.#clock.now() + sharedMs
    this.#checks = isListed ? this.#checks + 1 : 0
    this.#checkedAt = this.#clock.now()
    const spare = this.#spare
    this.#current = fresh
    this.#spare = isListed && before !== null && !before.console.isOver ? before : null
    for (const session of [before, spare]) if (session) this.#closeUnused(session)
  }

  /** Another session on the process of the present one. Rejects if it reaches another process. */
  async #second(): Promise<Session> {
    const second = await this.#session()
    if (this.#current && isSameProcess(this.#current.clients, second.clients)) return second
    close(second)
    if (this.#current && (await this.#answers([this.#current]))) this.#sharedUntil = this.#clock.now() + sharedMs
    throw new Error('a second session did not reach the PgBouncer process of the first one')
  }

  /** One of the sessions is alive: its process still runs. */
  async #answers(sessions: readonly Session[]): Promise<boolean> {
    for (const session of sessions) {
      if (session.console.isOver) continue
      if (this.#blocked.has(session)) return true
      const answer = await session.console.ask('SHOW VERSION', this.#signal).catch(() => null)
      if (answer !== null) return true
    }
    return false
  }

  async #session(): Promise<Session> {
    const console = await this.#open(this.#signal)
    try {
      const clients = await readClients({ask: (command) => console.ask(command, this.#signal)})
      return {console, clients, lifetime: new AbortController()}
    } catch (error) {
      console[Symbol.dispose]()
      throw error
    }
  }

  #dropEnded(): void {
    for (const [database, {console}] of this.#pausing) if (console.isOver) this.#pausing.delete(database)
    if (this.#spare?.console.isOver) this.#spare = null
    if (!this.#current?.console.isOver) return
    this.#current = this.#spare
    this.#spare = null
  }

  #release(database: string): void {
    const session = this.#pausing.get(database)
    this.#pausing.delete(database)
    if (session) this.#closeUnused(session)
  }

  #closeUnused(session: Session): void {
    if (!this.#all().has(session)) close(session)
  }
}

function close({console, lifetime}: Session): void {
  console[Symbol.dispose]()
  lifetime.abort()
}

/** Other names need quotes, as in SQL (seen: PgBouncer calls `PAUSE app-ro` an invalid command). */
export const quoted = (database: string): string => (/^[a-z_][a-z0-9_]*$/.test(database) ? database : `"${database}"`)
