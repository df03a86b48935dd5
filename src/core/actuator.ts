import type {ActuatorSettings} from './actuator-settings.ts'
import type {MonitorSettings} from './settings.ts'
import type {Snapshot} from './snapshot.ts'

/**
 * What one pass over a target came to. `in-sync`: read, nothing to do. `applied`: done and read
 * back. `planned`: a dry run. `failed`: `problem` says what, and what to do; what was verified
 * before the failure stays done.
 */
export type Applied = Readonly<{
  outcome: 'in-sync' | 'applied' | 'planned' | 'failed'
  steps: readonly string[]
  problems: readonly string[]
  /** It wants to look again after so long, though nothing changed: clients are waiting. */
  againMs?: number
}>

export type ApplyOptions = Readonly<{
  dryRun: boolean
  signal: AbortSignal
  /**
   * The snapshot is overtaken, or somebody froze us: what it allowed must not be done any more.
   * Another pass follows at once.
   */
  isOutdated: () => boolean
}>

/** Something that we tell (DESIGN 9). */
export interface Actuator extends AsyncDisposable {
  /** For logs, metrics and the snapshot: `haproxy /run/haproxy/admin.sock`. Never a secret. */
  readonly name: string
  /**
   * Reads the target, plans, applies, verifies. Idempotent; never rejects; gives up soon after
   * `signal` aborts. Calls never overlap.
   */
  apply(snapshot: Snapshot, options: ApplyOptions): Promise<Applied>
  /**
   * In each pass of a maintenance: nobody may be left waiting for us. Never rejects; gives up soon
   * after `signal` aborts.
   */
  rest?(signal: AbortSignal): Promise<void>
  /** A maintenance is over: what somebody changed meanwhile was no meddling. */
  renew?(): void
}

/** The part of the configuration that actuators are made from. */
export type ActuatorConfig = ActuatorSettings & Pick<MonitorSettings, 'groups'>

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
