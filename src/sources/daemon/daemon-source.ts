import {nextBackoff} from '../../core/backoff.ts'
import type {PastChange} from '../../core/changes.ts'
import {changesOfGroup, changesOfHost} from '../../core/changes.ts'
import {OperatorError} from '../../core/errors.ts'
import {staleOf} from '../../core/facts/stale.ts'
import type {Clock, Random, SnapshotSource} from '../../core/ports.ts'
import type {Router} from '../../core/router.ts'
import type {Change, Publication, Snapshot} from '../../core/snapshot.ts'
import {afterLimit, sleep} from '../../core/wait.ts'
import {pastFromWire} from '../../protocol/change-json.ts'
import {routersFromWire} from '../../protocol/routers-reader.ts'
import {changesFromWire, fromWire} from '../../protocol/snapshot-reader.ts'
import {ClockOffset} from './clock-offset.ts'
import {eventsOf} from './events.ts'
import {endpointOfUrl, failureText, type HttpEndpoint, httpRequest} from './http-request.ts'

export type DaemonDeps = Readonly<{
  /** `https://127.0.0.1:8443`, the path of the daemon's unix socket, or an endpoint with its name. */
  at: Readonly<{url: string} | {socket: string} | {endpoint: HttpEndpoint; name: string}>
  /** PEM of the authorities to believe, in place of the system's. */
  ca?: string | undefined
  /** The groups that the daemon, an instance of a set, owns itself. */
  ownOnly?: boolean
  clock: Clock
  random: Random
  /** How long to wait for the first snapshot. */
  timeoutMs?: number
}>

const pastTimeoutMs = 2_000
export const reconnects = {firstMs: 50, capMs: 2_000, jitter: 0.5} as const

/**
 * A running daemon as a source. Resolves with the first snapshot; throws OperatorError where none
 * comes in time. Afterwards the source reconnects by itself after every loss. A snapshot that has
 * not been renewed for the daemon's own `max_age` is not shown again: all hosts are stale then.
 */
export async function daemonSource(deps: DaemonDeps): Promise<SnapshotSource> {
  const {clock, timeoutMs = 5_000} = deps
  const source = new DaemonSource(deps)
  const {promise: late, reject} = Promise.withResolvers<never>()
  const cancel = clock.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
  try {
    await Promise.race([source.first, late])
    return source
  } catch (error) {
    await source[Symbol.asyncDispose]()
    const next = 'Is "pgroute66 serve" running there? Where your own authority signed its certificate, add --ca.'
    throw new OperatorError(
      'DAEMON',
      `${endpointOf(deps)} gives no snapshot: ${failureText(error, source.endpoint)}`,
      next,
      {cause: error},
    )
  } finally {
    cancel()
  }
}

const endpointOf = ({at}: DaemonDeps) => ('url' in at ? at.url : 'socket' in at ? at.socket : at.name)

class DaemonSource implements SnapshotSource {
  readonly first: Promise<void>
  readonly #deps: DaemonDeps
  readonly endpoint: HttpEndpoint
  readonly #stop = new AbortController()
  readonly #listeners = new Set<(publication: Publication) => void>()
  readonly #firstShown = Promise.withResolvers<void>()
  readonly #ended: Promise<void>
  /** As the daemon sent it, or as `staleOf` left it. */
  #shown: Snapshot | null = null
  #isStale = false
  /** Monotonic: when the daemon made the latest snapshot. */
  #madeAt = 0
  #lastId: string | null = null
  #connection = new AbortController()
  #cancelWatch: () => void = () => {}

  constructor(deps: DaemonDeps) {
    this.#deps = deps
    const {at, ca} = deps
    this.endpoint = 'url' in at ? endpointOfUrl(at.url, ca) : 'socket' in at ? {socketPath: at.socket} : at.endpoint
    this.first = this.#firstShown.promise
    // A rejection that no caller awaits must not end the process.
    this.first.catch(() => {})
    this.#ended = this.#run()
  }

  current(): Snapshot {
    this.#expire()
    if (this.#shown === null) throw new Error('current() before the first snapshot')
    return this.#shown
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async past(): Promise<readonly PastChange[]> {
    const signal = AbortSignal.timeout(pastTimeoutMs)
    const {status, body} = await httpRequest(this.endpoint, {path: '/v1/changes', signal})
    if (status !== 200) return []
    const {changes} = JSON.parse(body) as {changes: unknown}
    // Older daemons have no such path.
    return Array.isArray(changes) ? changes.map(pastFromWire) : []
  }

  async routers(): Promise<readonly Router[]> {
    const signal = AbortSignal.timeout(pastTimeoutMs)
    const {status, body} = await httpRequest(this.endpoint, {path: '/v1/routers', signal})
    // Older daemons have no such path.
    if (status !== 200) throw new Error(`the daemon answered ${status} to /v1/routers`)
    return routersFromWire(JSON.parse(body))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelWatch()
    this.#stop.abort()
    this.#connection.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const {random} = this.#deps
    // A daemon that never answered is asked again after 100 ms, a lost connection after 50 ms.
    let backoff = nextBackoff(reconnects, null, random)
    while (!this.#stop.signal.aborted) {
      const before = this.#madeAt
      try {
        await this.#follow()
      } catch (error) {
        // Before the first snapshot the caller waits for the reason. Afterwards the snapshot turns
        // stale, which says the same.
        if (this.#shown === null) this.#firstShown.reject(error)
      }
      if (this.#stop.signal.aborted) return
      backoff = nextBackoff(reconnects, this.#madeAt > before ? null : backoff, random)
      await sleep(this.#deps.clock, backoff.waitMs, this.#stop.signal)
    }
  }

  /**
   * One connection. The missed changes come first, but they are past: they are published together
   * with the first current snapshot.
   */
  async #follow(): Promise<void> {
    this.#connection = new AbortController()
    const {clock} = this.#deps
    const clockOffset = new ClockOffset(clock.now())
    const missed: Change[] = []
    let isCaughtUp = false
    let lastId = this.#lastId
    const {ownOnly = false} = this.#deps
    const request = {endpoint: this.endpoint, lastId, ownOnly, signal: this.#connection.signal}
    for await (const {event, id, data} of eventsOf(request)) {
      const json = JSON.parse(data) as {at: string; snapshot: unknown}
      const now = clock.now()
      lastId = id ?? lastId
      if (event === 'change' && !isCaughtUp) {
        missed.push(...changesFromWire(json, now).changes)
        continue
      }
      const madeAt = clockOffset.madeAt(Date.parse(json.at), now)
      // The changes in a gap are unknown. Only the difference between two snapshots is known.
      const received =
        event === 'change' ? changesFromWire(json, now).changes : event === 'snapshot' ? null : missed.splice(0)
      const isTaken = this.#take(fromWire(event === 'change' ? json.snapshot : json, madeAt), received, madeAt)
      isCaughtUp = true
      // The event is old on arrival: more events wait in the socket, or the daemon's clock was set.
      // A new connection shows which, and repeats the changes that were not taken.
      if (!isTaken || now - madeAt > this.current().maxAgeMs / 2) return
      this.#lastId = lastId
    }
  }

  /** `received`: the changes that lead to `snapshot`; `null`: unknown. False: too old to be shown. */
  #take(snapshot: Snapshot, received: readonly Change[] | null, madeAt: number): boolean {
    const before = this.#shown
    if (before !== null && this.#deps.clock.now() - madeAt > snapshot.maxAgeMs) return false
    const different = received === null || this.#isStale ? differences(before, snapshot) : []
    this.#madeAt = madeAt
    this.#shown = snapshot
    this.#isStale = false
    this.#watch(snapshot)
    this.#firstShown.resolve()
    this.#publish({changes: [...(received ?? []), ...different], snapshot})
    return true
  }

  /**
   * Replaces a snapshot that was not renewed in time by a stale one, and ends the connection, which
   * may be half dead.
   */
  #expire(): void {
    const {clock} = this.#deps
    const live = this.#shown
    if (live === null || this.#isStale || clock.now() - this.#madeAt <= live.maxAgeMs) return
    const why = `the daemon at ${endpointOf(this.#deps)} has been silent for ${live.maxAgeMs} ms`
    const stale = staleOf(live, why, {now: clock.now(), wall: clock.wall()})
    this.#shown = stale
    this.#isStale = true
    this.#connection.abort()
    this.#publish({changes: differences(live, stale), snapshot: stale})
  }

  #watch({maxAgeMs}: Snapshot): void {
    this.#cancelWatch()
    const {clock} = this.#deps
    const leftMs = Math.max(0, this.#madeAt + maxAgeMs - clock.now()) + 1
    this.#cancelWatch = afterLimit(clock, leftMs, () => this.#expire())
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
