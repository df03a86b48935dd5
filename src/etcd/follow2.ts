import {nextBackoff} from '../core/backoff.ts'
import type {Random} from '../core/ports.ts'
import {afterLimit, onAbort, sleep} from '../core/wait.ts'
import {EtcdError} from './error.ts'
import type {Etcd2, Waited2} from './etcd2.ts'
import {reconnects} from './follow.ts'

export type Follow2Deps = Readonly<{
  etcd: Etcd2
  random: Random
  /** A watch says nothing while nothing changes: after so long a silence its endpoint is asked. */
  silenceMs?: number
}>

/**
 * Calls `changed` when the value of `key` changes or the key goes, by the v2 API, until `signal`
 * aborts; never rejects. Also when the watch begins, and after a gap of it: the key may have changed
 * before. A frozen endpoint keeps a request open. So, as in follow.ts, a second request asks the same
 * endpoint for the key. Where the endpoint does not answer, or knows a change that the watch did not
 * tell, the watch goes on at the next endpoint.
 */
export async function follow2(deps: Follow2Deps, key: string, changed: () => void, signal: AbortSignal): Promise<void> {
  const {etcd, random} = deps
  const {endpoints} = etcd
  let from: number | null = null
  let backoff = nextBackoff(reconnects, null, random)
  while (!signal.aborted) {
    let isTold = false
    try {
      if (from === null) {
        from = (await etcd.read(key, signal)).index + 1
        // What came before it, since the caller has read the key, is not told.
        changed()
      }
      const waited = await waitOnce(deps, key, from, signal)
      if (waited.kind === 'cleared') from = null
      if (waited.kind === 'event') {
        from = waited.modifiedIndex + 1
        isTold = true
        if (waited.isChange) changed()
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof EtcdError)) throw error
      if (error instanceof Restored) from = null
      endpoints.leave(error.endpoint ?? endpoints.current)
    }
    // One request brings one event: the next one is sent at once.
    if (isTold) backoff = nextBackoff(reconnects, null, random)
    else {
      await sleep(endpoints.clock, backoff.waitMs, signal)
      backoff = nextBackoff(reconnects, backoff, random)
    }
  }
}

/** etcd has lost changes that it has told: its index is below what was told. */
class Restored extends EtcdError {}

/** One request at the current endpoint, which is asked whether it lives. Rejects with EtcdError. */
async function waitOnce(
  {etcd, silenceMs = 750}: Follow2Deps,
  key: string,
  from: number,
  signal: AbortSignal,
): Promise<Waited2> {
  const {clock, current: origin} = etcd.endpoints
  const stop = new AbortController()
  const forget = onAbort(signal, () => stop.abort())
  const dead = Promise.withResolvers<never>()
  // Nothing waits for it any longer once the request has been answered.
  dead.promise.catch(() => {})
  let cancel = () => {}
  const beat = () => {
    cancel = afterLimit(clock, silenceMs, () => void probe().catch(dead.reject))
  }
  const probe = async () => {
    const {index, modifiedIndex} = await etcd.readAt(origin, key, stop.signal)
    if (index < from - 1) throw new Restored('closed', origin, `etcd at ${origin} was restored from an earlier state`)
    // The event may be on its way beside this answer.
    if (modifiedIndex !== null && modifiedIndex >= from) {
      await sleep(clock, 100, stop.signal)
      if (!stop.signal.aborted)
        throw new EtcdError('closed', origin, `the watch at ${origin} does not tell what changes`)
    }
    if (!stop.signal.aborted) beat()
  }
  try {
    beat()
    return await Promise.race([etcd.waitAt(origin, key, from, stop.signal), dead.promise])
  } finally {
    stop.abort()
    cancel()
    forget()
  }
}
