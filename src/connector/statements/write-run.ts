import type pg from 'pg'
import {onAbort} from '../../core/wait.ts'
import {ConnectorError} from '../connector-error.ts'
import type {Emitter} from '../events.ts'
import type {Fleet} from '../fleet.ts'
import {aborted, type Lane, type Lease} from '../lane.ts'
import type {WriteRequest} from '../lanes.ts'
import {outcomeOfWrite} from '../policy/outcome.ts'
import {type Ended, send} from './send.ts'

export type WriteDeps = Readonly<{fleet: Fleet; lane: Lane<WriteRequest>; events: Emitter}>

export type Write = Readonly<{
  query: string | pg.QueryConfig
  values: readonly unknown[] | undefined
  request: WriteRequest
}>

/** `client` is the caller's to release. */
export type WriteAnswer = Readonly<{result: pg.QueryResult; host: string; attempts: number; client: pg.PoolClient}>
type Done = (error: Error | null, answer?: WriteAnswer) => void

/**
 * Runs one write. It is sent again only where no byte of it was sent, or where a standby refused
 * it; once it was sent and its answer is lost, the outcome is unknown.
 */
export function runWrite(deps: WriteDeps, write: Write, done: Done): void {
  new WriteRun(deps, write, done).start()
}

class WriteRun {
  readonly #deps: WriteDeps
  readonly #write: Write
  readonly #done: Done
  #attempts = 0
  #lease: Lease | null = null
  #isSettled = false
  #forget: () => void = () => {}

  constructor(deps: WriteDeps, write: Write, done: Done) {
    this.#deps = deps
    this.#write = write
    this.#done = done
  }

  start(): void {
    const {signal} = this.#write.request
    if (signal !== undefined) this.#forget = onAbort(signal, () => this.#abort(signal))
    if (!this.#isSettled) this.#attempt()
  }

  #attempt(): void {
    this.#deps.lane.acquire(this.#write.request, (outcome) => {
      if ('error' in outcome) return this.#settle(outcome.error)
      const {lease} = outcome
      if (this.#isSettled) return lease.client.release()
      this.#attempts += lease.attempts
      this.#lease = lease
      const {query, values} = this.#write
      send(lease.client, query, values, (ended) => this.#answered(lease, ended))
    })
  }

  #answered(lease: Lease, ended: Ended): void {
    if (this.#lease !== lease) return
    this.#lease = null
    const {client, host} = lease
    const {fleet, events} = this.#deps
    const node = fleet.node(host)
    if (ended.kind === 'done') {
      node.queries += 1
      this.#settle(null, {result: ended.result, host, attempts: this.#attempts, client})
      return
    }
    const {failed, error} = ended
    node.errors += 1
    if (failed.phase === 'lost' || failed.phase === 'lost-unsent') node.connectionErrors += 1
    const outcome = outcomeOfWrite(failed)
    // A session of a standby is of no use to writes.
    const isUsable = failed.phase === 'refused-by-driver' || (failed.phase === 'answered' && outcome === 'pass-on')
    client.release(!isUsable)
    if (outcome === 'pass-on') {
      this.#settle(error)
      return
    }
    if (outcome === 'unknown') {
      events.emit('unknown', {host, error})
      this.#settle(unknownOutcome(host, error, fleet))
      return
    }
    events.emit('retry', {host, error, attempt: this.#attempts, kind: 'write'})
    this.#attempt()
  }

  #abort(signal: AbortSignal): void {
    const lease = this.#lease
    this.#lease = null
    if (lease !== null) this.#deps.events.emit('unknown', {host: lease.host, error: aborted(signal, 'unknown')})
    this.#settle(aborted(signal, lease === null ? 'not-done' : 'unknown'))
    lease?.client.release(true)
  }

  #settle(error: Error | null, answer?: WriteAnswer): void {
    if (this.#isSettled) {
      answer?.client.release()
      return
    }
    this.#isSettled = true
    this.#forget()
    this.#done(error, answer)
  }
}

export function unknownOutcome(host: string, cause: Error, fleet: Fleet): ConnectorError {
  const lost = `the connection to ${host} was lost after the write was sent`
  const message = `${lost}, and whether it was done is unknown: ${cause.message}`
  const next = 'Look for its effect before you repeat it, or make the write one that may be repeated (a unique key).'
  const verdict = fleet.verdictOrNull
  return new ConnectorError('outcome-unknown', message, {host, outcome: 'unknown', verdict, next, cause})
}
