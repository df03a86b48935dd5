import type {ActuatorSettings} from './actuator-settings.ts'
import type {RouterReading} from './router.ts'
import type {MonitorSettings} from './settings.ts'
import type {HeldState, Snapshot} from './snapshot.ts'

/**
 * The result of one pass. `in-sync`: read, no command needed. `applied`: done and read back.
 * `planned`: a dry run. `failed`: `problems` say why and what to do; steps before the failure stay
 * done.
 */
export type Applied = Readonly<{
  outcome: 'in-sync' | 'applied' | 'planned' | 'failed'
  steps: readonly string[]
  problems: readonly string[]
  /** The next pass, even without a change: clients are waiting. */
  againMs?: number
  /** What the router showed at the end of the pass, for people; absent: it could not be read. */
  reading?: RouterReading
  /** Absent: no hold concerns the router. */
  held?: HeldState
}>

export type ApplyOptions = Readonly<{
  dryRun: boolean
  signal: AbortSignal
  /**
   * Whether a newer snapshot or a maintenance has overtaken this one: then no further step may run.
   * Another pass follows at once.
   */
  isOutdated: () => boolean
}>

/** Keeps one router in step with the verdict (DESIGN 9). */
export interface Actuator extends AsyncDisposable {
  /** For logs, metrics and the snapshot: `haproxy /run/haproxy/admin.sock`. Never a secret. */
  readonly name: string
  readonly kind: RouterReading['kind']
  /**
   * Reads the router, plans, applies, verifies. Idempotent; never rejects; gives up soon after
   * `signal` aborts. Calls never overlap.
   */
  apply(snapshot: Snapshot, options: ApplyOptions): Promise<Applied>
  /**
   * Called in each pass of a maintenance: releases clients that wait for the daemon. Never rejects;
   * gives up soon after `signal` aborts.
   */
  rest?(signal: AbortSignal): Promise<void>
  /** Called after a maintenance: changes made meanwhile by an operator are not a second pusher's. */
  renew?(): void
}

/** The part of the configuration that actuators are made from. */
export type ActuatorConfig = ActuatorSettings & Pick<MonitorSettings, 'groups' | 'stateDir'>

/**
 * One actuator that the configuration asks for. Two with one `key` are the same: the one that runs
 * is kept.
 */
export type DesiredActuator = Readonly<{
  /** The settings as text, for comparison alone. Never shown: passwords are in it. */
  key: string
  /** `isFirst`: made at the start of the process, not by a reload. */
  make: (isFirst: boolean) => Actuator
}>

/** What each actuator folder exports for the composition. */
export type DesiredActuators = (config: ActuatorConfig) => readonly DesiredActuator[]
