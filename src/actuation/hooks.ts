import {hookEvents, hookId} from '../actuators/hook/event.ts'
import {type Hook, type HookReport, hook, hookNames} from '../actuators/hook/hook.ts'
import type {ActuatorConfig} from '../core/actuator.ts'
import type {HookSettings} from '../core/actuator-settings.ts'
import {changeOfVerdict} from '../core/changes.ts'
import type {Publication} from '../core/snapshot.ts'
import {isSettled, isStarting} from '../core/verdict/verdict-kind.ts'
import type {ActuationDeps} from './routers.ts'

/** A hook, and the settings that it was made from, as text. */
type Running = Readonly<{key: string; hook: Hook}>

/**
 * Tells hooks of each verdict that changes, as the configuration in force names them. They have no
 * state that could be put right: nothing is repeated.
 */
export class Hooks implements AsyncDisposable {
  readonly #deps: ActuationDeps
  readonly #unsubscribe: () => void
  #hooks: readonly Running[] = []

  constructor(deps: ActuationDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.monitor.subscribe((publication) => this.#published(publication))
  }

  /** A hook that did not change goes on, with what waits for it. */
  async applyConfig({hooks: settings}: ActuatorConfig): Promise<void> {
    const {monitor, clock} = this.#deps
    const before = this.#hooks
    const names = hookNames(settings)
    this.#hooks = settings.map((each, index) => {
      const [name = '', asked] = [names[index], JSON.stringify(each)]
      return before.find(({hook, ...one}) => hook.name === name && one.key === asked) ?? this.#start(each, name, asked)
    })
    const leaving = before.filter((one) => !this.#hooks.includes(one))
    for (const {hook} of leaving) if (!names.includes(hook.name)) monitor.reportActuator(hook.name, null)
    // Until a verdict changes there is nothing to tell.
    const about = {status: 'in-sync', problems: [], since: clock.wall(), verifiedAt: null} as const
    for (const one of this.#hooks) if (!before.includes(one)) monitor.reportActuator(one.hook.name, about)
    await close(leaving)
  }

  #start(settings: HookSettings, name: string, asked: string): Running {
    const one: Running = {
      key: asked,
      // One that has been replaced may still report its last delivery.
      hook: hook(settings, {...this.#deps, name, report: (report) => this.#report(report, this.#hooks.includes(one))}),
    }
    return one
  }

  /**
   * What was wrong before anybody listened: a daemon that starts in the middle of it is no reason
   * to hear nothing. That all is well is no news.
   */
  notifyOfTroubles(): void {
    const snapshot = this.#deps.monitor.current()
    const troubled = Object.values(snapshot.groups).filter(({verdict}) => !isSettled(verdict) && !isStarting(verdict))
    this.#published({changes: troubled.map((group) => changeOfVerdict(group, 'starting')), snapshot})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe()
    await close(this.#hooks)
  }

  #published(publication: Publication): void {
    if (this.#hooks.length === 0) return
    const {clock, log, dryRun} = this.#deps
    for (const event of hookEvents(publication, {now: clock.now(), wall: clock.wall()})) {
      const isFrozen = publication.snapshot.maintenance !== null
      if (isFrozen || dryRun) {
        const why = isFrozen ? 'maintenance: hooks are not told' : 'dry run: hooks would be told'
        log.info({id: hookId(event)}, `${why} that ${event.change.group} is ${event.change.to}`)
        continue
      }
      for (const {hook} of this.#hooks) hook.notify(event)
    }
  }

  #report({actuator: name, outcome, problem}: HookReport, isInForce: boolean): void {
    const {monitor, clock, meter} = this.#deps
    meter.applied(name, outcome)
    if (!isInForce) return
    const before = monitor.current().actuators[name]
    const status = problem === null ? 'in-sync' : 'out-of-sync'
    const wall = clock.wall()
    monitor.reportActuator(name, {
      status,
      problems: problem === null ? [] : [problem],
      since: before?.status === status ? before.since : wall,
      verifiedAt: outcome === 'delivered' ? wall : (before?.verifiedAt ?? null),
    })
  }
}

const close = (hooks: readonly Running[]) => Promise.all(hooks.map(({hook}) => hook[Symbol.asyncDispose]()))
