import type {Config} from '../config/config.ts'
import type {PastChange} from '../core/changes.ts'
import type {Clock, Log, Orders, SnapshotSource} from '../core/ports.ts'
import type {Moment} from '../protocol/snapshot-json.ts'
import type {Metrics} from './metrics.ts'

/** What every route may look at. */
export type Context = {
  /** Replaced as a whole by a reload; never kept by a route. */
  config: Config
  /** Turns /readyz to 503, and ends keep-alive, before anything else of a stop. */
  isStopping: boolean
  readonly source: SnapshotSource
  readonly orders: Orders
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The last changes, oldest first. */
  readonly pastChanges: () => readonly PastChange[]
  readonly version: string
}

export const momentOf = ({clock}: Pick<Context, 'clock'>): Moment => ({now: clock.now(), wall: clock.wall()})
