import type pg from 'pg'
import type {Clock} from '../core/ports.ts'
import {onAbort} from '../core/wait.ts'
import {ConnectorError} from './connector-error.ts'
import type {Kind} from './kind.ts'
import type {Failed} from './policy/outcome.ts'
import {isLost} from './pools/host-pool.ts'
import type {PoolSet} from './pools/pool-set.ts'
import {factsOf} from './pools/routed-client.ts'
import {errnoOf, sqlstateOf} from './statements/send.ts'

/** A client that is out, and where. `attempts`: how many hosts were asked for it. */
export type Lease = Readonly<{client: pg.PoolClient; host: string; attempts: number}>
export type Leased = (outcome: Readonly<{lease: Lease} | {error: Error}>) => void
export type Acquiring = Readonly<{host: string | null; fail: (error: Error) => void}>

type NoConnection = Failed & {phase: 'connecting'}

/** What the two kinds of work do differently. */
export type Rules<Request> = Readonly<{
  kind: Kind
  /** The host to go to; `null`: there is none now. */
  pick(request: Request): string | null
  /** Whether a client of this host may be handed out now. */
  isOffered(host: string, request: Request): boolean
  /** There was no connection. `repeat`: elsewhere, or later. `elsewhere`: else the error is passed on. */
  failed(host: string, failed: NoConnection, error: Error, request: Request): 'repeat' | 'elsewhere' | 'pass-on'
  /** Why one more request may not wait for a host, where so many do; `null`: it may. */
  tooMany(waiting: number): ConnectorError | null
  /** The wait is over. `cause`: the latest failure. */
  none(request: Request, waitedMs: number, cause: Error | null): ConnectorError
  /** The request has waited, so hosts that it avoids may be asked again. */
  waited(request: Request): void
  /** So many wait for a host now. */
  waiting(count: number): void
  /** Another value wherever `pick` may answer otherwise than before. */
  news(): unknown
  retry(host: string, error: Error, attempt: number): void
}>

export type Waiting = Readonly<{waitMs: number; signal?: AbortSignal | undefined}>

export type LaneDeps<Request> = Readonly<{
  clock: Clock
  pools: PoolSet
  rules: Rules<Request>
  /** The limit for a connection where the request does not wait for a host; 0: none. */
  connectMs: number
}>

/** A host that refused a connection, and is the only one, is asked again after so long. */
const pauseMs = 50
/** How often those that wait for a host look whether there is news. */
const lookMs = 50

/** How work of one kind comes to a client: it picks a host, waits for one, and for a connection. */
export class Lane<Request extends Waiting> {
  readonly #deps: LaneDeps<Request>
  readonly #under: Under<Request> = {
    parked: new Set(),
    open: new Set(),
    isClosed: false,
    park: () => this.#lookOn(this.#deps.rules.news()),
  }
  #cancelLook: (() => void) | null = null

  constructor(deps: LaneDeps<Request>) {
    this.#deps = deps
  }

  /** How many wait for a host. */
  get waiting(): number {
    return this.#under.parked.size
  }

  /** `leased` is called once. The answer tells where it looks meanwhile, and ends it; `null`: it is over. */
  acquire(request: Request, leased: Leased): Acquiring | null {
    if (this.#under.isClosed) {
      leased({error: closed()})
      return null
    }
    const acquisition = new Acquisition(request, this.#deps, this.#under, leased)
    acquisition.start()
    return acquisition
  }

  /** Hosts may be offered that were not: those that wait look again. */
  wake(): void {
    for (const parked of [...this.#under.parked]) parked.wake()
  }

  /**
   * A steady answer of the monitor is not published at once, and may end a wait: a suspicion is
   * cleared, a lag is within its limit again.
   */
  #lookOn(seen: unknown): void {
    if (this.#cancelLook !== null) return
    const {clock, rules} = this.#deps
    this.#cancelLook = clock.after(lookMs, () => {
      this.#cancelLook = null
      const {parked} = this.#under
      const news = rules.news()
      if (news !== seen) for (const one of [...parked]) one.look()
      if (parked.size > 0) this.#lookOn(news)
    })
  }

  close(): void {
    this.#under.isClosed = true
    this.#cancelLook?.()
    for (const one of [...this.#under.open]) one.fail(closed())
  }
}

export const closed = (): ConnectorError =>
  new ConnectorError('closed', 'the connector is closed', {next: 'Open another one with connect().'})

/** The requests of a lane. */
type Under<Request extends Waiting> = {
  /** Those that wait for a host. */
  readonly parked: Set<Acquisition<Request>>
  /** Those that wait for anything. */
  readonly open: Set<Acquisition<Request>>
  isClosed: boolean
  /** One of them begins to wait for a host. */
  readonly park: () => void
}

class Acquisition<Request extends Waiting> {
  /** The host that was picked last. */
  host: string | null = null
  readonly #request: Request
  readonly #deps: LaneDeps<Request>
  readonly #under: Under<Request>
  readonly #leased: Leased
  #attempts = 0
  #cause: Error | null = null
  /** A host refused the login, and waiting would not help. */
  #refusal: Error | null = null
  #isSettled = false
  #giveUp: () => void = () => {}
  #cancelDeadline: (() => void) | null = null
  #cancelPause: () => void = () => {}
  #forget: () => void = () => {}

  constructor(request: Request, deps: LaneDeps<Request>, under: Under<Request>, leased: Leased) {
    this.#request = request
    this.#deps = deps
    this.#under = under
    this.#leased = leased
  }

  start(): void {
    const {signal} = this.#request
    if (signal !== undefined) this.#forget = onAbort(signal, () => this.fail(aborted(signal)))
    if (!this.#isSettled) this.look()
  }

  wake(): void {
    this.#deps.rules.waited(this.#request)
    this.look()
  }

  /** Takes the host of this moment, or waits for one. */
  look(): void {
    const {rules, pools} = this.#deps
    if (this.#under.isClosed) {
      this.fail(closed())
      return
    }
    let host: string | null
    try {
      host = rules.pick(this.#request)
    } catch (error) {
      // The application's own choice threw.
      this.fail(error as Error)
      return
    }
    if (host === null) {
      if (this.#refusal === null) this.#park()
      else this.fail(this.#refusal)
      return
    }
    this.#unpark()
    this.#cancelPause()
    this.#attempts += 1
    const picked = host
    this.host = picked
    const wait = pools.pool(picked, rules.kind).acquire((outcome) => {
      if (outcome === 'closed') this.look()
      else if ('client' in outcome) this.#got(picked, outcome.client)
      else this.#refused(picked, outcome.error, outcome.isCut)
    })
    this.#giveUp = wait.giveUp
    // On the usual way a client is there at the next tick, and no timer is made.
    if (!wait.isAtHand) this.#waits()
  }

  #got(host: string, client: pg.PoolClient): void {
    if (isLost(client) || !this.#deps.rules.isOffered(host, this.#request)) {
      client.release(isLost(client))
      this.look()
      return
    }
    if (this.#deps.rules.kind === 'write' && factsOf(client)?.inHotStandby === true) {
      // The session says that its host is a standby, before the monitor does.
      client.release(true)
      this.#pause()
      return
    }
    this.#settle()
    this.#leased({lease: {client, host, attempts: this.#attempts}})
  }

  #refused(host: string, error: Error, isCut: boolean): void {
    const {rules} = this.#deps
    const failed = {phase: 'connecting', sqlstate: sqlstateOf(error), errno: errnoOf(error), isCut} as const
    this.#cause = error
    const next = rules.failed(host, failed, error, this.#request)
    if (next === 'pass-on') {
      this.fail(error)
      return
    }
    if (next === 'elsewhere') this.#refusal = error
    rules.retry(host, error, this.#attempts)
    if (rules.kind === 'read') this.look()
    else this.#pause()
  }

  /** The host is the only one, so it is asked again soon. */
  #pause(): void {
    if (this.#request.waitMs === 0) {
      this.#tooLate()
      return
    }
    this.#waits()
    this.#cancelPause = this.#deps.clock.after(pauseMs, () => this.look())
  }

  #park(): void {
    const {rules} = this.#deps
    const {parked} = this.#under
    if (parked.has(this)) return
    if (this.#request.waitMs === 0) {
      this.#tooLate()
      return
    }
    const refusal = rules.tooMany(parked.size)
    if (refusal !== null) {
      this.fail(refusal)
      return
    }
    parked.add(this)
    this.#under.park()
    rules.waiting(parked.size)
    this.#waits()
  }

  #unpark(): void {
    if (this.#under.parked.delete(this)) this.#deps.rules.waiting(this.#under.parked.size)
  }

  /** From now on it may take long, and `close` must know of it. */
  #waits(): void {
    this.#under.open.add(this)
    const {clock, connectMs} = this.#deps
    const ms = this.#request.waitMs || connectMs
    if (ms > 0) this.#cancelDeadline ??= clock.after(ms, () => this.#tooLate())
  }

  #tooLate(): void {
    if (this.#isSettled) return
    this.fail(this.#deps.rules.none(this.#request, this.#request.waitMs, this.#cause))
  }

  fail(error: Error): void {
    if (this.#isSettled) return
    this.#settle()
    this.#leased({error})
  }

  #settle(): void {
    this.#isSettled = true
    this.#giveUp()
    this.#cancelDeadline?.()
    this.#cancelPause()
    this.#forget()
    this.#unpark()
    this.#under.open.delete(this)
  }
}

export function aborted(signal: AbortSignal, outcome: 'not-done' | 'unknown' = 'not-done'): ConnectorError {
  const message =
    outcome === 'unknown'
      ? 'the caller gave up after the statement was sent, and whether it was done is unknown'
      : 'the caller gave up before the statement was done'
  const next = 'This is what the AbortSignal of the call asks for.'
  return new ConnectorError('aborted', message, {outcome, next, cause: signal.reason})
}
