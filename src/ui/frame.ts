import type {Change, Snapshot} from '../core/snapshot.ts'

/** A change and the wall-clock time at which it was received. */
export type Received = Readonly<{at: number; change: Change}>

/** Everything that the screen shows. */
export type Frame = Readonly<{
  snapshot: Snapshot
  /** Monotonic and wall time of the drawing. */
  now: number
  wall: number
  /** Newest first. */
  changes: readonly Received[]
  /** Probe times of each host in milliseconds, oldest first; `null`: no answer. */
  probes: ReadonlyMap<string, readonly (number | null)[]>
  /** Wall-clock time at which this screen was opened. */
  startedAt: number
}>
