import type {Dispatcher} from 'undici'
import {nextBackoff} from '../../core/backoff.ts'
import type {PastChange} from '../../core/changes.ts'
import {changesOfGroup, changesOfHost} from '../../core/changes.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Clock, Random, SnapshotSource} from '../../core/ports.ts'
import type {Change, Publication, Snapshot} from '../../core/snapshot.ts'
import {sleep} from '../../core/wait.ts'
import {pastFromWire} from '../../protocol/change-json.ts'
import {changesFromWire, fromWire} from '../../protocol/snapshot-reader.ts'
import {ClockOffset} from './clock-offset.ts'
import {eventsOf} from './events.ts'
import {staleOf} from './stale.ts'

export type DaemonDeps = Readonly<{
  /** `https://127.0.0.1:8443`, or the path of the daemon's unix socket. */
  at: Readonly<{url: string} | {socket: string}>
  /** PEM of the authorities to believe, in place of the system's. */
  ca?: string | undefined
  clock: Clock
  random: Random
  /** For the first snapshot. */
  patienceMs?: number
}>

const pastPatienceMs = 2_000
export const reconnects = {firstMs: 50, capMs: 2_000, jitter: 0.5} as const

/**
 * A running daemon as a source. Resolves with the first snapshot; throws OperatorError where there
 * is none in time. From then on it comes back by itself after every loss, and an answer that has
 * not been renewed for the daemon's own `max_age` is not given again: all hosts are stale then.
 */
export async function daemonSource(deps: DaemonDeps): Promise<SnapshotSource> {
  const {Agent} = await import('undici')
  const {at, ca, clock, patienceMs = 5_000} = deps
  const connect = {timeout: 3_000, ...('socket' in at && {socketPath: at.socket}), ...(ca !== undefined && {ca})}
  const source = new DaemonSource(deps, new Agent({connect, headersTimeout: 5_000}))
  const {promise: late, reject} = Promise.withResolvers<never>()
  const cancel = clock.after(patienceMs, () => reject(new Error(`no answer within ${patienceMs} ms`)))
  try {
    await Promise.race([source.first, late])
    return source
  } catch (error) {
    await source[Symbol.asyncDispose]()
    const next = 'Is "pgroute66 serve" running there? For a certificate of your own authority, add --ca.'
    throw new OperatorError('DAEMON', `${placeOf(deps)} cannot be asked: ${reasonOf(error)}`, next, {cause: error})
  } finally {
    cancel()
  }
}

const placeOf = ({at}: DaemonDeps) => ('url' in at ? at.url : at.socket)
const reasonOf = (error: unknown) => {
  const {code, message} = error as NodeJS.ErrnoException
  return code?.startsWith('E') ? code : message || String(error)
}

class DaemonSource implements SnapshotSource {
  readonly first: Promise<void>
  readonly #deps: DaemonDeps
  readonly #dispatcher: Dispatcher
  readonly #stop = new AbortController()
  readonly #listeners = new Set<(publication: Publication) => void>()
  readonly #begun = Promise.withResolvers<void>()
  readonly #ended: Promise<void>
  /** As the daemon sent it, or what is left of that. */
  #shown: Snapshot | null = null
  #isStale = false
  /** Monotonic: when the daemon made what we hold. */
  #heardAt = 0
  #lastId: string | null = null
  #connection = new AbortController()
  #cancelWatch: () => void = () => {}

  constructor(deps: DaemonDeps, dispatcher: Dispatcher) {
    this.#deps = deps
    this.#dispatcher = dispatcher
    this.first = this.#begun.promise
    // Whoever waits has a limit of his own.
    this.first.catch(() => {})
    this.#ended = this.#run()
  }

  current(): Snapshot {
    this.#expire()
    if (this.#shown === null) throw new Error('asked before the first snapshot')
    return this.#shown
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async past(): Promise<readonly PastChange[]> {
    const {request} = await import('undici')
    const signal = AbortSignal.timeout(pastPatienceMs)
    const {statusCode, body} = await request(new URL('/v1/changes', this.#origin), {
      dispatcher: this.#dispatcher,
      signal,
    })
    const {changes} = (await body.json()) as {changes: unknown}
    // Older daemons have no such path.
    return statusCode === 200 && Array.isArray(changes) ? changes.map(pastFromWire) : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelWatch()
    this.#stop.abort()
    this.#connection.abort()
    await this.#ended
    await this.#dispatcher.destroy()
  }

  get #origin(): string {
    const {at} = this.#deps
    return 'url' in at ? at.url : 'http://localhost'
  }

  async #run(): Promise<void> {
    const {random} = this.#deps
    // A daemon that never answered is asked again after 100 ms, a lost connection after 50 ms.
    let backoff = nextBackoff(reconnects, null, random)
    while (!this.#stop.signal.aborted) {
      const before = this.#heardAt
      try {
        await this.#follow()
      } catch (error) {
        // Before the first snapshot somebody waits, and may be told why; afterwards silence says
        // all there is to say.
        if (this.#shown === null) this.#begun.reject(error)
      }
      if (this.#stop.signal.aborted) return
      backoff = nextBackoff(reconnects, this.#heardAt > before ? null : backoff, random)
      await sleep(this.#deps.clock, backoff.waitMs, this.#stop.signal)
    }
  }

  /**
   * One connection. What was missed comes first, but is the past: it is told together with the
   * first snapshot of now.
   */
  async #follow(): Promise<void> {
    this.#connection = new AbortController()
    const {clock} = this.#deps
    const transit = new ClockOffset(clock.now())
    const missed: Change[] = []
    let isCaughtUp = false
    let lastId = this.#lastId
    const asking = {dispatcher: this.#dispatcher, origin: this.#origin, lastId, signal: this.#connection.signal}
    for await (const {event, id, data} of eventsOf(asking)) {
      const json = JSON.parse(data) as {at: string; snapshot: unknown}
      const now = clock.now()
      lastId = id ?? lastId
      if (event === 'change' && !isCaughtUp) {
        missed.push(...changesFromWire(json, now).changes)
        continue
      }
      const madeAt = transit.madeAt(Date.parse(json.at), now)
      // After a gap nobody can tell what happened in it, only what is different.
      const told =
        event === 'change' ? changesFromWire(json, now).changes : event === 'snapshot' ? null : missed.splice(0)
      const isTaken = this.#take(fromWire(event === 'change' ? json.snapshot : json, madeAt), told, madeAt)
      isCaughtUp = true
      // Old when it arrives: more of it waits on the way, or the daemon's clock was set. A new
      // connection tells, and repeats what was not taken.
      if (!isTaken || now - madeAt > this.current().maxAgeMs / 2) return
      this.#lastId = lastId
    }
  }

  /** `told`: the changes that lead here; `null`: unknown. False: it is too old to be shown. */
  #take(snapshot: Snapshot, told: readonly Change[] | null, madeAt: number): boolean {
    const before = this.#shown
    if (before !== null && this.#deps.clock.now() - madeAt > snapshot.maxAgeMs) return false
    const different = told === null || this.#isStale ? differences(before, snapshot) : []
    this.#heardAt = madeAt
    this.#shown = snapshot
    this.#isStale = false
    this.#watch(snapshot)
    this.#begun.resolve()
    this.#publish({changes: [...(told ?? []), ...different], snapshot})
    return true
  }

  /**
   * Ends what has not been renewed in time, and the connection that did not renew it: it may be
   * half dead.
   */
  #expire(): void {
    const {clock} = this.#deps
    const live = this.#shown
    if (live === null || this.#isStale || clock.now() - this.#heardAt <= live.maxAgeMs) return
    const why = `${placeOf(this.#deps)} has said nothing for ${live.maxAgeMs} ms`
    const stale = staleOf(live, why, {now: clock.now(), wall: clock.wall()})
    this.#shown = stale
    this.#isStale = true
    this.#connection.abort()
    this.#publish({changes: differences(live, stale), snapshot: stale})
  }

  #watch({maxAgeMs}: Snapshot): void {
    this.#cancelWatch()
    this.#cancelWatch = this.#deps.clock.after(Math.max(0, this.#heardAt + maxAgeMs - this.#deps.clock.now()) + 1, () =>
      this.#expire(),
    )
  }

  #publish(publication: Publication): void {
    for (const listener of this.#listeners) listener(publication)
  }
}

function differences(before: Snapshot | null, after: Snapshot): readonly Change[] {
  if (before === null) return []
  return [
    ...Object.values(after.hosts).flatMap((host) => changesOfHost(before.hosts[host.host], host)),
    ...Object.values(after.groups).flatMap((group) => changesOfGroup(before.groups[group.name], group)),
  ]
}
