import type pg from 'pg'
import type {Clock} from '../../core/ports.ts'
import {onAbort} from '../../core/wait.ts'
import {ConnectorError} from '../connector-error.ts'
import type {Emitter} from '../events.ts'
import type {Fleet} from '../fleet.ts'
import {type Acquiring, aborted, type Lane, type Lease} from '../lane.ts'
import type {ReadRequest} from '../lanes.ts'
import type {HostNode} from '../node.ts'
import {type Failed, outcomeOfRead} from '../policy/outcome.ts'
import {factsOf} from '../pools/routed-client.ts'
import {type Ended, send} from './send.ts'

export type ReadDeps = Readonly<{
  fleet: Fleet
  lane: Lane<ReadRequest>
  clock: Clock
  events: Emitter
  isTimed: boolean
}>

export type Read = Readonly<{
  query: string | pg.QueryConfig
  values: readonly unknown[] | undefined
  request: ReadRequest
  /** `null`: never. */
  hedgeMs: number | null
}>

export type ReadAnswer = Readonly<{result: pg.QueryResult; host: string; attempts: number}>
type Done = (error: Error | null, answer?: ReadAnswer) => void

/** The first statement on a new connection says nothing of the host. */
function measure(node: HostNode, client: pg.PoolClient, ms: number): void {
  const facts = factsOf(client)
  if (facts?.isWarm === true) node.measured(ms)
  else if (facts !== undefined) facts.isWarm = true
}

/** Runs one read until a host has answered it: on another host where the first one is lost. */
export function runRead(deps: ReadDeps, read: Read, done: Done): void {
  new ReadRun(deps, read, done).start()
}

class ReadRun {
  readonly #deps: ReadDeps
  readonly #read: Read
  readonly #done: Done
  #attempts = 0
  #losses = 0
  /** What the server said, where another host was to be asked. */
  #refusal: Error | null = null
  /** Attempts that are under way: two with a hedge. */
  #running = 0
  readonly #leases = new Set<Lease>()
  /** The hedge, while it waits for a host or for a connection. */
  #waitingHedge: Acquiring | null = null
  #isSettled = false
  #cancelHedge: () => void = () => {}
  #forget: () => void = () => {}

  constructor(deps: ReadDeps, read: Read, done: Done) {
    this.#deps = deps
    this.#read = read
    this.#done = done
  }

  start(): void {
    const {signal} = this.#read.request
    if (signal !== undefined)
      this.#forget = onAbort(signal, () => {
        const leases = [...this.#leases]
        this.#leases.clear()
        this.#settle(aborted(signal))
        // The server may still run it, and its answer is of no use.
        for (const {client} of leases) client.release(true)
      })
    if (!this.#isSettled) this.#attempt(this.#read.request)
  }

  #attempt(request: ReadRequest): void {
    this.#running += 1
    const isHedge = request.hedged !== undefined
    const {clock, lane, isTimed} = this.#deps
    const under = lane.acquire(request, (outcome) => {
      if (isHedge) this.#waitingHedge = null
      if ('error' in outcome) return this.#ended(outcome.error, isHedge)
      const {lease} = outcome
      if (this.#isSettled) return lease.client.release()
      this.#attempts += lease.attempts
      this.#leases.add(lease)
      const {query, values} = this.#read
      const begun = isTimed ? clock.now() : 0
      send(lease.client, query, values, (ended) => this.#answered(lease, ended, begun))
    })
    if (isHedge) this.#waitingHedge = under
    const {hedgeMs} = this.#read
    if (hedgeMs !== null && under !== null && this.#running === 1 && !this.#isSettled) this.#hedgeAfter(hedgeMs, under)
  }

  /** A second attempt elsewhere, and the first answer wins. Never on the primary. */
  #hedgeAfter(ms: number, under: Readonly<{host: string | null}>): void {
    this.#cancelHedge()
    this.#cancelHedge = this.#deps.clock.after(ms, () => {
      const {request} = this.#read
      if (under.host === null || request.from !== null) return
      // Both attempts end with the deadline of the read.
      const waitMs = request.waitMs === 0 ? 0 : Math.max(1, request.waitMs - ms)
      const elsewhere: ReadRequest = {
        ...request,
        waitMs,
        fallback: 'none',
        avoid: new Set(request.avoid),
        hedged: under.host,
      }
      if (this.#deps.fleet.reader(elsewhere) !== null) this.#attempt(elsewhere)
    })
  }

  #answered(lease: Lease, ended: Ended, begun: number): void {
    if (!this.#leases.delete(lease)) return
    const {client, host} = lease
    const {fleet, isTimed, clock} = this.#deps
    const node = fleet.node(host)
    if (ended.kind === 'done') {
      node.queries += 1
      if (isTimed) measure(node, client, clock.now() - begun)
      client.release()
      this.#settle(null, {result: ended.result, host, attempts: this.#attempts})
      return
    }
    node.errors += 1
    const {failed, error} = ended
    client.release(failed.phase !== 'answered' && failed.phase !== 'refused-by-driver')
    this.#failed(lease, failed, error)
  }

  #failed({host}: Lease, failed: Failed, error: Error): void {
    // A hedge that runs goes on. One that only waits may never get a host, and has no fallback.
    this.#waitingHedge?.fail(error)
    const {fleet, events} = this.#deps
    const outcome = outcomeOfRead(failed, this.#losses)
    if (failed.phase === 'lost' || failed.phase === 'lost-unsent') fleet.node(host).connectionErrors += 1
    if (failed.phase === 'lost') this.#losses += 1
    if (outcome === 'pass-on') {
      this.#ended(error)
      return
    }
    if (outcome === 'give-up') {
      this.#ended(this.#lostTooOften(host, error))
      return
    }
    if (outcome === 'suspect') fleet.suspect(host, error)
    else this.#read.request.avoid.add(host)
    if (failed.phase === 'answered') this.#refusal = error
    if (this.#isSettled) return
    this.#running -= 1
    // The other attempt goes on.
    if (this.#running > 0) return
    events.emit('retry', {host, error, attempt: this.#attempts, kind: 'read'})
    this.#attempt(this.#read.request)
  }

  /** One attempt has come to its end, without an answer. `isHedge`: a hedge got no client. */
  #ended(error: Error, isHedge = false): void {
    this.#running -= 1
    const isServers = !(error instanceof ConnectorError)
    if (this.#running <= 0 || (isServers && !isHedge)) this.#settle(isServers ? error : (this.#refusal ?? error))
  }

  #lostTooOften(host: string, cause: Error): ConnectorError {
    const times = `the connection was lost ${this.#losses} times under this read`
    const message = `${times}, at last to ${host}: ${cause.message}`
    const next = 'Does the statement end its server? Look at the log of PostgreSQL before you repeat it.'
    return new ConnectorError('no-reader', message, {host, next, cause, verdict: this.#deps.fleet.verdictOrNull})
  }

  #settle(error: Error | null, answer?: ReadAnswer): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#cancelHedge()
    this.#waitingHedge?.fail(error ?? new Error('the other attempt has answered'))
    this.#forget()
    this.#done(error, answer)
  }
}
