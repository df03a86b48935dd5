import type {Clock, SnapshotSource} from '../core/ports.ts'
import type {Action} from './action.ts'
import type {Received} from './frame.ts'

export type WatchOptions = Readonly<{
  source: SnapshotSource
  clock: Clock
  /**
   * Keys of its own for whoever shows the screen; they act on the selected host. Keys that the
   * screen has are refused.
   */
  actions?: readonly Action[]
  /** What had changed before, newest first. */
  pastChanges?: readonly Received[]
  title?: string
  /** Shown alone at first; `null`: all. */
  group?: string | null
  /** Milliseconds between two drawings; the keys + and - change it. */
  everyMs?: number
  signal?: AbortSignal
}>
