import type {Config} from '../config/config.ts'
import type {PastChange} from '../core/changes.ts'
import type {NodeTables} from '../core/ha-tools/repmgr.ts'
import type {UnknownAddresses} from '../core/offers/unknown-addresses.ts'
import type {Clock, Holds, Log, Orders, SnapshotSource} from '../core/ports.ts'
import type {Router} from '../core/router.ts'
import type {WireReloadPlan} from '../protocol/reload-json.ts'
import type {Moment} from '../protocol/snapshot-json.ts'
import type {Handover} from './handover.ts'
import type {SharedFacts} from './instances.ts'
import type {Metrics} from './metrics.ts'
import type {OrderRecord} from './orders/order-record.ts'
import type {RefusalDelay} from './orders/refusal-delay.ts'

/** `carryOut` takes the name of the plan that was shown; `null`: none was. Both reject with OperatorError. */
export type Reloading = Readonly<{
  plan: () => Promise<WireReloadPlan>
  carryOut: (plan: string | null, refuseLate: () => void) => Promise<WireReloadPlan>
}>

/**
 * What a route may read. `startApi` makes one per daemon and passes the same object to every
 * request; only `config` and `isStopping` change.
 */
export type Context = {
  /** Replaced as a whole by a reload. A route reads it for each request and keeps no part of it. */
  config: Config
  /** Set first when the daemon stops: /readyz answers 503, and connections are not kept alive. */
  isStopping: boolean
  /** Where the snapshot comes from. `current()` may find out that an answer went stale. */
  readonly source: SnapshotSource
  /** Carries out what an operator ordered. Rejects with OperatorError. */
  readonly orders: Orders
  /** Who ordered what, and what came of it. */
  readonly orderRecord: Pick<OrderRecord, 'add'>
  /** Slows down clients without authorisation. */
  readonly refusals: Pick<RefusalDelay, 'turn' | 'refused'>
  /** Makes the writers of a group wait, for a planned switch. */
  readonly holds: Holds
  /** Monotonic and wall time, both in milliseconds. */
  readonly clock: Clock
  /** Orders what HAProxies are told at a switch of writers. */
  readonly handover: Handover
  readonly log: Log
  /** Counters and gauges behind /metrics. */
  readonly metrics: Metrics
  /** The last changes (`keptChanges` of them), oldest first, earlier runs included. */
  readonly pastChanges: () => readonly PastChange[]
  /** What each router showed when it was last read. */
  readonly routers: () => readonly Router[]
  /** Plans and carries out a reload; `null`: the daemon cannot yet. */
  readonly reloads: () => Reloading | null
  /** Servers that a load balancer names at an address of no host. */
  readonly unknownAddresses: Pick<UnknownAddresses, 'note' | 'list'>
  /** The set that this instance is in; `null`: it is in none. */
  readonly shared: SharedFacts | null
  /** Sets this machine apart from others, for peers; `null`: not known. */
  readonly machineId: string | null
  /** What the tables of repmgr said. */
  readonly tables: Pick<NodeTables, 'primariesOf'>
  /** Of pgroute66, for the OpenAPI document. */
  readonly version: string
}

/** One moment on both clocks, for turning ages into wall-clock times. */
export const momentOf = ({clock}: Pick<Context, 'clock'>): Moment => ({now: clock.now(), wall: clock.wall()})
