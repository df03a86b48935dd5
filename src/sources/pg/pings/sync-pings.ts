import type {EventEmitter} from 'node:events'
import type {Client, Connection, Submittable} from 'pg'
import type {Clock, PingListener, Pings} from '../../../core/ports.ts'
import type {AnswerMeter} from '../limits/answer-limit.ts'
import type {RoundTrips} from '../limits/patience.ts'
import type {PingTrials} from './ping-trials.ts'

/**
 * A slower answer tells of a lost packet or a busy server, and widens the limits. Faster ones do not
 * count: five pings a second would make the estimate forget a lost packet within two seconds.
 */
const slowMs = 100

export type SyncPingsDeps = Readonly<{
  client: Client
  clock: Clock
  roundTrips: RoundTrips
  trials: PingTrials
  /** The connection is open, and no question is under way or waits. */
  isIdle: () => boolean
  /** Counts what is received since the last question, pings included. */
  answers: Pick<AnswerMeter, 'restart'>
  /** The server answered with an error: it ends the session. */
  failed: (error: unknown) => void
}>

/**
 * Pings of one session: a bare Sync (5 bytes), answered by ReadyForQuery. From PostgreSQL 14 on the
 * server tells before it, by ParameterStatus, that `in_hot_standby` changed (PostgreSQL
 * documentation, 55.2.7 "Asynchronous Operations"). pg takes a Submittable in turn with its queries,
 * so a question that is put meanwhile leaves after the answer.
 */
export class SyncPings implements Pings, Submittable {
  readonly #deps: SyncPingsDeps
  #sentAt: number | null = null
  #isProven = false
  #listener: PingListener | null = null

  constructor(deps: SyncPingsDeps) {
    this.#deps = deps
    // `connection` is not in pg's types of a client; pg-protocol parses ParameterStatus for it.
    const {connection} = deps.client as unknown as {connection: EventEmitter}
    connection.on('parameterStatus', () => this.#listener?.changed())
  }

  get sentAt(): number | null {
    return this.#sentAt
  }

  get isProven(): boolean {
    return this.#isProven
  }

  send(): void {
    const {client, clock, isIdle, answers} = this.#deps
    if (this.#sentAt !== null || !isIdle()) return
    answers.restart()
    this.#sentAt = clock.now()
    client.query(this)
  }

  listen(listener: PingListener): void {
    this.#listener = listener
  }

  /** The session ended, by either side. */
  over(): void {
    if (this.#sentAt !== null && !this.#isProven) this.#deps.trials.failed()
    this.#isProven = true
    this.#listener = null
  }

  /** For pg. */
  submit(connection: Connection): void {
    connection.sync()
  }

  /** For pg. */
  handleReadyForQuery(): void {
    const {clock, roundTrips, trials} = this.#deps
    if (this.#sentAt === null) return
    const tripMs = clock.now() - this.#sentAt
    this.#sentAt = null
    if (!this.#isProven) trials.passed()
    this.#isProven = true
    // Whether it was slow is measured by the trips before it.
    this.#listener?.answered(tripMs)
    if (tripMs >= slowMs) roundTrips.took(tripMs)
  }

  /** For pg: the server, or the end of the socket, answered instead. */
  handleError(error: unknown): void {
    this.#deps.failed(error)
  }
}
