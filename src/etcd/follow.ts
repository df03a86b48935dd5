import {nextBackoff} from '../core/backoff.ts'
import type {Random} from '../core/ports.ts'
import {afterLimit, onAbort, sleep} from '../core/wait.ts'
import {lines} from '../http/lines.ts'
import {EtcdError, isAboutUser} from './error.ts'
import type {Etcd3} from './etcd3.ts'
import {type KeyEvent, type RangeAnswer, watchMessageOf} from './key-value.ts'

export type Listener = Readonly<{
  /** All keys: at the start, and after a gap that etcd no longer keeps. */
  onAll(answer: RangeAnswer): void
  /** What changed since, in order, without a gap. */
  onEvents(events: readonly KeyEvent[], revision: bigint): void
  /** The watch is lost, and comes back by itself; `onAll`, `onEvents` or `onLive` follows. */
  onLost?(error: EtcdError): void
  /** The watch that was lost goes on, and has told all that changed: its endpoint was asked. */
  onLive?(): void
}>

export type FollowDeps = Readonly<{
  etcd: Etcd3
  random: Random
  /** A watch says nothing while nothing changes: after so long a silence its endpoint is asked. */
  silenceMs?: number
}>

export const reconnects = {firstMs: 50, capMs: 2_000, jitter: 0.5} as const
const maxLineBytes = 16 << 20

/**
 * Follows all keys that begin with `prefix`, until `signal` aborts; never rejects. A frozen endpoint
 * keeps a watch open and says nothing. So after `silenceMs` the same endpoint is asked for the newest
 * key: no answer, or a key that the watch should have told, and the watch goes on at the next endpoint
 * from the revision after the last one.
 */
export async function follow(deps: FollowDeps, prefix: string, listener: Listener, signal: AbortSignal): Promise<void> {
  const {etcd, random} = deps
  const {clock} = etcd.endpoints
  let from: bigint | null = null
  let isLost = false
  let backoff = nextBackoff(reconnects, null, random)
  while (!signal.aborted) {
    const before: bigint | null = from
    try {
      isLost &&= from !== null
      from ??= await readAll(etcd, prefix, listener, signal)
      from = await watchOnce(deps, {prefix, from, isLost, listener, signal})
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof EtcdError)) throw error
      isLost = true
      listener.onLost?.(error)
      if (error instanceof Lost) from = error.from
    }
    backoff = nextBackoff(reconnects, from !== before ? null : backoff, random)
    await sleep(clock, backoff.waitMs, signal)
  }
}

/** The revision to watch from. */
async function readAll(etcd: Etcd3, prefix: string, {onAll}: Listener, signal: AbortSignal): Promise<bigint> {
  const answer = await etcd.range(prefix, {isPrefix: true, signal})
  onAll(answer)
  return answer.revision + 1n
}

/** A watch that ended early. `from`: where to go on; `null`: everything must be read anew. */
class Lost extends EtcdError {
  readonly from: bigint | null
  constructor(error: EtcdError, from: bigint | null) {
    super(error.reason, error.endpoint, error.message, error)
    this.from = from
  }
}

type Watch = Readonly<{
  prefix: string
  from: bigint
  /** The watch before failed, and nothing was told since. */
  isLost: boolean
  listener: Listener
  signal: AbortSignal
}>

/** One watch at the current endpoint; resolves to where to go on when the server ended it. */
async function watchOnce({etcd, silenceMs = 750}: FollowDeps, watch: Watch): Promise<bigint | null> {
  const {prefix, listener, signal} = watch
  const {endpoints} = etcd
  const {clock, connector, timeoutMs, current: origin} = endpoints
  let from: bigint | null = watch.from
  let failure: EtcdError | null = null
  let isLost = watch.isLost
  const stop = new AbortController()
  const forget = onAbort(signal, () => stop.abort())
  const fail = (error: EtcdError) => {
    failure ??= error
    stop.abort()
  }
  let cancel = () => {}
  const beat = () => {
    cancel()
    cancel = afterLimit(clock, silenceMs, () => void probe())
  }
  const probe = async () => {
    const error = await missed(etcd, origin, {prefix, last: () => (from ?? 1n) - 1n, signal: stop.signal})
    if (stop.signal.aborted) return
    if (error) return fail(error)
    if (isLost) listener.onLive?.()
    isLost = false
    beat()
  }
  const onLine = (line: string) => {
    const message = watchMessageOf(line, origin)
    if (message.kind === 'events') {
      // By the events, not by the header: while a watch catches up, the header is ahead of them.
      const revision = newestOf(message.events)
      if (revision !== null) {
        listener.onEvents(message.events, revision)
        from = revision + 1n
      }
      return beat()
    }
    if (message.kind === 'compacted') from = null
    else fail(watchErrorOf(origin, message))
    stop.abort()
  }
  try {
    const request = await etcd.watchRequest(origin, prefix, watch.from, stop.signal)
    beat()
    const safely = (line: string) => {
      try {
        onLine(line)
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error
        fail(error)
      }
    }
    const end = await lines(
      {clock, connector},
      {origin, ...request, timeoutMs, maxLineBytes, signal: stop.signal},
      safely,
    )
    if (end.reason !== null && end.reason !== 'aborted')
      failure ??= new EtcdError(end.reason, origin, `the watch at ${origin}: ${end.detail}`)
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error
    failure ??= error
  } finally {
    stop.abort()
    cancel()
    forget()
  }
  if (failure === null) return from
  if ((failure as EtcdError).reason === 'auth') etcd.forgetToken()
  endpoints.leave(origin)
  throw new Lost(failure, failure instanceof RestoredError ? null : from)
}

const newestOf = (events: readonly KeyEvent[]): bigint | null =>
  events.reduce<bigint | null>(
    (newest, {kv}) => (newest === null || kv.modRevision > newest ? kv.modRevision : newest),
    null,
  )

/** etcd has lost revisions that it has told. */
export class RestoredError extends EtcdError {
  constructor(origin: string) {
    super('closed', origin, `etcd at ${origin} was restored from an earlier state`)
  }
}

/** Is the watch dead? By asking its own endpoint. `null`: it lives. */
async function missed(
  etcd: Etcd3,
  origin: string,
  {prefix, last, signal}: Readonly<{prefix: string; last: () => bigint; signal: AbortSignal}>,
): Promise<EtcdError | null> {
  try {
    const before = last()
    const {kvs, revision} = await etcd.rangeAt(origin, prefix, {isPrefix: true, newest: true, signal})
    // Revisions only grow, unless etcd was restored from a backup: a watch would wait for a revision
    // that has been, and tell nothing until etcd comes to it again.
    if (revision < before) return new RestoredError(origin)
    const newest = kvs[0]?.modRevision ?? 0n
    // The event may be on its way beside this answer: only one that is still missing now counts.
    if (newest <= before || newest <= last()) return null
    await sleep(etcd.endpoints.clock, 100, signal)
    if (newest <= last()) return null
    return new EtcdError('closed', origin, `the watch at ${origin} does not tell what changes`)
  } catch (error) {
    if (error instanceof EtcdError) return error
    throw error
  }
}

function watchErrorOf(origin: string, message: Readonly<{kind: string; why: string; code?: number}>): EtcdError {
  const isAuth = message.code === 16 || message.code === 7 || isAboutUser(message.why)
  return new EtcdError(isAuth ? 'auth' : 'refused', origin, `etcd at ${origin} ends the watch: ${message.why}`)
}
