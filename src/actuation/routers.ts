import type {ActuatorConfig, DesiredActuator, DesiredActuators} from '../core/actuator.ts'
import type {ActuatorReports, Clock, Log, Random, SnapshotSource} from '../core/ports.ts'
import type {Router, RouterReading, RouterSource} from '../core/router.ts'
import type {ActuatorState} from '../core/snapshot.ts'
import {report} from './actuator-report.ts'
import {actuate, type Pass} from './loop.ts'
import {type StageSeen, SwitchTiming} from './switch-timing.ts'

/** What routers, hooks and the agent port have in common. */
export type ActuationDeps = Readonly<{
  monitor: SnapshotSource & ActuatorReports
  clock: Clock
  random: Random
  log: Log
  /** Plans are logged, and no router, hook or agent port acts. */
  dryRun: boolean
  meter: Readonly<{stage: (seen: StageSeen) => void; applied: (actuator: string, outcome: string) => void}>
}>
export type RoutersDeps = ActuationDeps & Readonly<{kinds: readonly DesiredActuators[]}>

type Running = Readonly<{
  desired: DesiredActuator
  name: string
  kind: RouterReading['kind']
  loop: AsyncDisposable
}>

/** Keeps the routers of the configuration in force in step with the verdict. */
export class Routers implements AsyncDisposable, RouterSource {
  readonly #deps: RoutersDeps
  readonly #timing: SwitchTiming
  readonly #unsubscribe: () => void
  #running: readonly Running[] = []
  /** By name. `readAt`: wall clock. */
  readonly #readings = new Map<string, Readonly<{reading: RouterReading; readAt: number}>>()
  #resyncMs = 0
  #isFirst = true

  constructor(deps: RoutersDeps) {
    const {monitor, clock, dryRun, meter} = deps
    this.#deps = deps
    this.#timing = new SwitchTiming({
      actuators: () => (dryRun ? [] : this.#running.map(({name}) => name)),
      clock,
      announce: (changes) => monitor.announce(changes),
      record: meter.stage,
    })
    // Before the loops of the routers, which the same publication wakes.
    this.#unsubscribe = monitor.subscribe((publication) => this.#timing.published(publication))
  }

  /**
   * A router with the same settings goes on: it may be in the middle of a switch, with clients that
   * wait for the end of it.
   */
  async applyConfig(config: ActuatorConfig): Promise<void> {
    const {monitor, clock} = this.#deps
    this.#resyncMs = config.haproxy.resyncMs
    const desired = this.#deps.kinds.flatMap((desired) => desired(config))
    const kept = desired.flatMap(({key}) => this.#running.find((one) => one.desired.key === key) ?? [])
    const removed = this.#running.filter((one) => !kept.includes(one))
    this.#running = kept
    await this.#end(removed)
    const added = desired.filter(({key}) => !kept.some(({desired: each}) => each.key === key))
    this.#running = [...kept, ...added.map((each) => this.#start(each))]
    const since = clock.wall()
    for (const {desired: each, name} of this.#running)
      if (added.includes(each)) monitor.reportActuator(name, {status: 'pending', problems: [], since, verifiedAt: null})
    this.#retract(removed)
    this.#isFirst = false
  }

  /** As each was last read. One that cannot be read now keeps its last reading. */
  routers(): readonly Router[] {
    return this.#running.map(({name, kind}) => {
      const {reading, readAt = null} = this.#readings.get(name) ?? {}
      if (reading !== undefined) return {name, readAt, ...reading}
      return kind === 'haproxy' ? {name, readAt, kind, servers: []} : {name, readAt, kind, databases: []}
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe()
    this.#timing[Symbol.dispose]()
    const removed = this.#running
    this.#running = []
    await this.#end(removed)
    this.#retract(removed)
  }

  #start(desired: DesiredActuator): Running {
    const actuator = desired.make(this.#isFirst)
    const reportPass = (pass: Pass) => {
      this.#report(pass)
      this.#timing.passed(pass)
    }
    const loop = actuate({
      ...this.#deps,
      actuators: [actuator],
      source: this.#deps.monitor,
      resyncMs: () => this.#resyncMs,
      report: reportPass,
    })
    return {desired, name: actuator.name, kind: actuator.kind, loop}
  }

  async #end(removed: readonly Running[]): Promise<void> {
    await Promise.all(removed.map(({loop}) => loop[Symbol.asyncDispose]()))
  }

  #retract(gone: readonly Running[]): void {
    for (const {name} of gone) {
      if (this.#running.some((one) => one.name === name)) continue
      this.#deps.monitor.reportActuator(name, null)
      this.#readings.delete(name)
      this.#timing.gone(name)
    }
  }

  #report({actuator: name, applied}: Pass): void {
    const status = applied === null ? 'frozen' : statusOf[applied.outcome]
    if (applied !== null) this.#deps.meter.applied(name, applied.outcome)
    if (applied?.reading) this.#readings.set(name, {reading: applied.reading, readAt: this.#deps.clock.wall()})
    const isVerified = status === 'in-sync'
    report(this.#deps, name, {status, problems: applied?.problems ?? [], isVerified, held: applied?.held})
  }
}

const statusOf = {
  'in-sync': 'in-sync',
  applied: 'in-sync',
  planned: 'planned',
  failed: 'out-of-sync',
} as const satisfies Record<string, ActuatorState['status']>
