import type {Clock} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'

export type Row = Readonly<Record<string, unknown>>

/** A session on a PgBouncer's admin console. */
export interface Console extends Disposable {
  /**
   * One simple query (the console knows no others). Rejects with an Error for an operator: refused,
   * lost, or `signal` of the opening has aborted.
   */
  ask(command: string): Promise<readonly Row[]>
}

/**
 * Logs in; comes from outside, because TLS and passwords are the business of who talks to
 * PostgreSQL. Rejects with an Error for an operator.
 */
export type OpenConsole = (admin: ConnectionSettings, signal: AbortSignal) => Promise<Console>

/**
 * PAUSE answers when the last transaction is over, and no sooner. It holds once it was read, also
 * when its connection is closed (seen).
 */
const pauseMs = 20

/**
 * A console that does not wait for transactions: the connection on which PAUSE does so is left, and
 * another one is opened.
 */
export class PatientConsole implements Disposable {
  readonly #open: () => Promise<Console>
  readonly #clock: Clock
  #console: Console

  private constructor(open: () => Promise<Console>, console: Console, clock: Clock) {
    this.#open = open
    this.#console = console
    this.#clock = clock
  }

  static async open(open: () => Promise<Console>, clock: Clock): Promise<PatientConsole> {
    return new PatientConsole(open, await open(), clock)
  }

  ask(text: string): Promise<readonly Row[]> {
    return this.#console.ask(text)
  }

  async tell(verb: 'PAUSE' | 'KILL' | 'RESUME', database: string): Promise<void> {
    // A name that has more than letters is put in quotes, as SQL does (seen: `PAUSE app-ro` is an
    // invalid command).
    const answer = this.ask(`${verb} ${/^[a-z_][a-z0-9_]*$/.test(database) ? database : `"${database}"`}`)
    if (verb !== 'PAUSE') return void (await answer)
    const {promise, resolve} = Promise.withResolvers<'waits'>()
    const cancel = this.#clock.after(pauseMs, () => resolve('waits'))
    if ((await Promise.race([answer, promise]).finally(cancel)) !== 'waits') return
    this.#console[Symbol.dispose]()
    this.#console = await this.#open()
  }

  [Symbol.dispose](): void {
    this.#console[Symbol.dispose]()
  }
}
