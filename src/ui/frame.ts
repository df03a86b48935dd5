import type {Change, Snapshot} from '../core/snapshot.ts'

/** A change and when it was heard of (wall clock). */
export type Received = Readonly<{at: number; change: Change}>

/** Everything that a screen is drawn from. */
export type Frame = Readonly<{
  snapshot: Snapshot
  /** Monotonic and wall time of the drawing. */
  now: number
  wall: number
  /** Newest first. */
  changes: readonly Received[]
  /** Probe times of each host, oldest first; `null`: it did not answer. */
  probes: ReadonlyMap<string, readonly (number | null)[]>
  /** Wall clock: since when we watch. */
  startedAt: number
}>
