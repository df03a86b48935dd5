import type {Router} from '../core/router.ts'
import type {Change, Snapshot} from '../core/snapshot.ts'
import type {History} from './events/histories.ts'

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
  /** By host. */
  histories: ReadonlyMap<string, History>
  /** What the routers of the daemon last showed; `null`: this source has none, or none answered yet. */
  routers: readonly Router[] | null
  /** Wall-clock time at which this screen was opened. */
  startedAt: number
}>
