import type {ActuatorConfig, DesiredActuator, DesiredActuators} from '../core/actuator.ts'
import type {Clock, Log, Random} from '../core/ports.ts'
import type {ActuatorState} from '../core/snapshot.ts'
import type {Monitor} from '../monitor/monitor.ts'
import {actuate, type Pass} from './loop.ts'
import {type StageSeen, SwitchTiming} from './switch-timing.ts'

/** What all that tell somebody have in common. */
export type ActuationDeps = Readonly<{
  monitor: Monitor
  clock: Clock
  random: Random
  log: Log
  /** Plans are logged, and nobody is told anything. */
  dryRun: boolean
  meter: Readonly<{stage: (seen: StageSeen) => void; applied: (target: string, outcome: string) => void}>
}>
export type RoutersDeps = ActuationDeps & Readonly<{kinds: readonly DesiredActuators[]}>

type Running = Readonly<{wish: DesiredActuator; name: string; loop: AsyncDisposable}>

/** Routers that are kept in step with the verdict, as the configuration in force names them. */
export class Routers implements AsyncDisposable {
  readonly #deps: RoutersDeps
  readonly #switches: SwitchTiming
  readonly #unsubscribe: () => void
  #running: readonly Running[] = []
  #resyncMs = 0
  #isFirst = true

  constructor(deps: RoutersDeps) {
    const {monitor, clock, dryRun, meter} = deps
    this.#deps = deps
    this.#switches = new SwitchTiming({
      targets: () => (dryRun ? [] : this.#running.map(({name}) => name)),
      clock,
      announce: (changes) => monitor.announce(changes),
      seen: meter.stage,
    })
    // Before the targets, which are woken by the same publication.
    this.#unsubscribe = monitor.subscribe((publication) => this.#switches.published(publication))
  }

  /**
   * Those that did not change are left alone: one may be in the middle of a switch, with clients
   * that wait for its end.
   */
  async applyConfig(config: ActuatorConfig): Promise<void> {
    const {monitor, clock} = this.#deps
    this.#resyncMs = config.haproxy.resyncMs
    const wishes = this.#deps.kinds.flatMap((desired) => desired(config))
    const kept = wishes.flatMap(({key}) => this.#running.find(({wish}) => wish.key === key) ?? [])
    const leaving = this.#running.filter((one) => !kept.includes(one))
    this.#running = kept
    await this.#end(leaving)
    const coming = wishes.filter(({key}) => !kept.some(({wish}) => wish.key === key))
    this.#running = [...kept, ...coming.map((wish) => this.#start(wish))]
    const since = clock.wall()
    for (const {wish, name} of this.#running)
      if (coming.includes(wish))
        monitor.reportActuator(name, {status: 'pending', problems: [], since, verifiedAt: null})
    this.#forget(leaving)
    this.#isFirst = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe()
    this.#switches[Symbol.dispose]()
    const leaving = this.#running
    this.#running = []
    await this.#end(leaving)
    this.#forget(leaving)
  }

  #start(wish: DesiredActuator): Running {
    const actuator = wish.make(this.#isFirst)
    const report = (pass: Pass) => {
      this.#report(pass)
      this.#switches.passed(pass)
    }
    const loop = actuate({
      ...this.#deps,
      actuators: [actuator],
      source: this.#deps.monitor,
      resyncMs: () => this.#resyncMs,
      report,
    })
    return {wish, name: actuator.name, loop}
  }

  async #end(leaving: readonly Running[]): Promise<void> {
    await Promise.all(leaving.map(({loop}) => loop[Symbol.asyncDispose]()))
  }

  #forget(gone: readonly Running[]): void {
    for (const {name} of gone) {
      if (this.#running.some((one) => one.name === name)) continue
      this.#deps.monitor.reportActuator(name, null)
      this.#switches.gone(name)
    }
  }

  #report({actuator: target, applied}: Pass): void {
    const {monitor, clock, meter} = this.#deps
    const before = monitor.current().actuators[target]
    const status = applied === null ? 'frozen' : statusOf[applied.outcome]
    if (applied !== null) meter.applied(target, applied.outcome)
    const wall = clock.wall()
    const isVerified = status === 'in-sync'
    monitor.reportActuator(target, {
      status,
      problems: applied?.problems ?? [],
      since: before?.status === status ? before.since : wall,
      verifiedAt: isVerified ? wall : (before?.verifiedAt ?? null),
    })
  }
}

const statusOf = {
  'in-sync': 'in-sync',
  applied: 'in-sync',
  planned: 'planned',
  failed: 'out-of-sync',
} as const satisfies Record<string, ActuatorState['status']>
