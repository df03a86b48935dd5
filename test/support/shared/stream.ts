import {staleOf} from '../../../src/core/facts/stale.ts'
import type {Clock, SnapshotSource} from '../../../src/core/ports.ts'
import type {Publication, Snapshot} from '../../../src/core/snapshot.ts'
import {toWire} from '../../../src/protocol/snapshot-json.ts'
import {fromWire} from '../../../src/protocol/snapshot-reader.ts'
import type {SimulatedProcess} from './process.ts'

type Ends = Readonly<{
  from: Readonly<{process: SimulatedProcess; own: SnapshotSource}>
  to: SimulatedProcess
  clock: Clock
  isOpen: () => boolean
  latencyMs: () => number
}>

/** The events of one instance as another one hears them: each change, and a beat each second. */
export async function simulatedStream({from, to, clock, isOpen, latencyMs}: Ends): Promise<SnapshotSource> {
  const listeners = new Set<(publication: Publication) => void>()
  let shown: Snapshot | null = null
  let madeAt = 0
  let isStale = false
  let isEnded = false
  let last = 0
  const first = Promise.withResolvers<void>()
  const publish = (snapshot: Snapshot) => {
    shown = snapshot
    for (const listener of listeners) listener({changes: [], snapshot})
  }
  const expire = () => {
    if (shown === null || isStale || to.now() - madeAt <= shown.maxAgeMs) return
    isStale = true
    publish(staleOf(shown, 'the instance is silent', {now: to.now(), wall: to.wall()}))
  }
  /** Runs in the instance that tells. */
  const send = (snapshot: Snapshot) => {
    const json = JSON.stringify(toWire(snapshot, {now: from.process.now(), wall: from.process.wall()}))
    const sentAt = clock.now()
    // What was sent later arrives later.
    last = Math.max(last, clock.now() + latencyMs())
    clock.after(last - clock.now(), () => {
      if (!isOpen() || isEnded) return
      to.act(() => {
        if (isEnded || to.now() - sentAt > 3_000) return
        madeAt = sentAt
        isStale = false
        publish(fromWire(JSON.parse(json), sentAt))
        first.resolve()
      })
    })
  }
  const unsubscribe = from.own.subscribe(({snapshot}) => {
    if (from.process.isRunning && isOpen()) send(snapshot)
  })
  const beat = () => {
    if (isEnded || from.process.isDead) return
    from.process.act(() => {
      if (isOpen()) send(from.own.current())
    })
    clock.after(1_000, beat)
  }
  const check = () => {
    if (isEnded) return
    to.act(expire)
    clock.after(500, check)
  }
  clock.after(latencyMs(), beat)
  check()
  const end = async () => {
    isEnded = true
    unsubscribe()
  }
  const gone = new Promise<never>((_, reject) => clock.after(5_000, () => to.act(() => reject(new Error('no answer')))))
  try {
    await Promise.race([first.promise, gone])
  } catch (error) {
    await end()
    throw error
  }
  return {
    current: () => {
      expire()
      return shown as unknown as Snapshot
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    [Symbol.asyncDispose]: end,
  }
}
