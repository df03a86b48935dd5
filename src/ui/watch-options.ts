import type {Clock, SnapshotSource} from '../core/ports.ts'
import type {Action} from './action.ts'
import type {Received} from './frame.ts'

export type WatchOptions = Readonly<{
  source: SnapshotSource
  clock: Clock
  /** Keys of the caller, which act on the selected host. A key that the screen uses is refused. */
  actions?: readonly Action[]
  /** Changes from before this screen was opened, newest first. */
  pastChanges?: readonly Received[]
  title?: string
  /** The group that is shown first; `null`: all hosts. */
  group?: string | null
  /** Milliseconds between two drawings; the keys + and - change it. */
  everyMs?: number
  signal?: AbortSignal
}>
