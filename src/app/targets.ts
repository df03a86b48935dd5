import {haproxyPush} from '../actuators/haproxy/push.ts'
import {pgbouncerTarget} from '../actuators/pgbouncer/target.ts'
import type {Config} from '../config/config.ts'
import type {Actuator} from '../core/actuator.ts'
import type {Clock, Log, Random} from '../core/ports.ts'
import type {TargetState} from '../core/snapshot.ts'
import type {Monitor} from '../monitor/monitor.ts'
import {actuate, type Pass} from './actuation.ts'
import {fallbackOf} from './fallback.ts'
import {pgbouncerConsole} from './pgbouncer-console.ts'
import {Release} from './release.ts'
import {type StageSeen, Switches} from './switches.ts'

export type TargetsDeps = Readonly<{
  monitor: Monitor
  clock: Clock
  random: Random
  log: Log
  /** Plans are logged, and nobody is told anything. */
  dryRun: boolean
  meter: Readonly<{stage: (seen: StageSeen) => void; applied: (target: string, outcome: string) => void}>
}>

/** Routers that are kept in step with the verdict, as the configuration in force names them. */
export class Targets implements AsyncDisposable {
  readonly #deps: TargetsDeps
  #release = new Release()
  #names: readonly string[] = []
  #asked = ''

  constructor(deps: TargetsDeps) {
    this.#deps = deps
  }

  /** Those that did not change are left alone together: a target that is told again in the middle of a switch is told the same. */
  async follow(config: Config): Promise<void> {
    const asked = fingerprint(config)
    if (asked === this.#asked) return
    await this[Symbol.asyncDispose]()
    this.#asked = asked
    const {monitor, clock, dryRun, meter} = this.#deps
    const actuators = actuatorsOf(config, clock)
    this.#names = actuators.map(({name}) => name)
    const switches = new Switches({
      targets: dryRun ? [] : this.#names,
      clock,
      announce: (changes) => monitor.announce(changes),
      seen: meter.stage,
    })
    const since = clock.wall()
    for (const name of this.#names) monitor.target(name, {status: 'pending', problems: [], since, verifiedAt: null})
    const unsubscribe = monitor.subscribe((publication) => switches.published(publication))
    this.#release.own({
      async [Symbol.asyncDispose]() {
        unsubscribe()
        switches[Symbol.dispose]()
      },
    })
    const report = (pass: Pass) => {
      this.#report(pass)
      switches.passed(pass)
    }
    this.#release.own(actuate({...this.#deps, actuators, source: monitor, resyncMs: config.haproxy.resyncMs, report}))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release[Symbol.asyncDispose]()
    this.#release = new Release()
    for (const name of this.#names) this.#deps.monitor.target(name, null)
    this.#names = []
    this.#asked = ''
  }

  #report({target, applied}: Pass): void {
    const {monitor, clock, meter} = this.#deps
    const before = monitor.current().actuators[target]
    const status = applied === null ? 'frozen' : statusOf[applied.outcome]
    if (applied !== null) meter.applied(target, applied.outcome)
    const wall = clock.wall()
    const isVerified = status === 'in-sync'
    monitor.target(target, {
      status,
      problems: applied?.problems ?? [],
      since: before?.status === status ? before.since : wall,
      verifiedAt: isVerified ? wall : (before?.verifiedAt ?? null),
    })
  }
}

const statusOf = {'in-sync': 'in-sync', applied: 'in-sync', planned: 'planned', failed: 'out-of-sync'} as const satisfies Record<
  string,
  TargetState['status']
>

function actuatorsOf({haproxy, pgbouncer, groups}: Config, clock: Clock): readonly Actuator[] {
  const fallback = fallbackOf(groups)
  const openConsole = pgbouncerConsole(clock)
  return [
    ...haproxy.instances.map((instance) => haproxyPush(instance, {backends: instance.backends, fallback})),
    ...pgbouncer.map((settings) => pgbouncerTarget(settings, {openConsole, fallback, clock})),
  ]
}

/** All that makes a difference to a target. Passwords are read when they are needed. */
const fingerprint = ({haproxy, pgbouncer, groups}: Config): string =>
  JSON.stringify([haproxy, pgbouncer, groups.map(({name, readFallback}) => [name, readFallback])])
