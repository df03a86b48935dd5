import {hookEvents, hookId} from '../actuators/hook/event.ts'
import {type Hook, type HookReport, hook, hookNames} from '../actuators/hook/hook.ts'
import type {ActuatorConfig} from '../core/actuator.ts'
import type {HookSettings} from '../core/actuator-settings.ts'
import {changeOfVerdict} from '../core/changes.ts'
import type {Router, RouterSource} from '../core/router.ts'
import type {Publication} from '../core/snapshot.ts'
import {isSettled, isStarting} from '../core/verdict/verdict-kind.ts'
import {report} from './actuator-report.ts'
import type {ActuationDeps} from './routers.ts'

/** A hook, and its settings as text (`key`). */
type Running = Readonly<{key: string; hook: Hook; on: HookSettings['on']}>

/**
 * Notifies the hooks of the configuration in force of each change of a verdict. A hook has no state
 * that could be read and corrected, so there is no resync.
 */
export class Hooks implements AsyncDisposable, RouterSource {
  readonly #deps: ActuationDeps
  readonly #unsubscribe: () => void
  #hooks: readonly Running[] = []

  constructor(deps: ActuationDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.monitor.subscribe((publication) => this.#published(publication))
  }

  /** A hook with the same settings goes on, and keeps its queue. */
  async applyConfig({hooks: settings}: ActuatorConfig): Promise<void> {
    const {monitor, clock} = this.#deps
    const before = this.#hooks
    const names = hookNames(settings)
    this.#hooks = settings.map((each, index) => {
      const [name = '', key] = [names[index], JSON.stringify(each)]
      return before.find((one) => one.hook.name === name && one.key === key) ?? this.#start(each, name, key)
    })
    const removed = before.filter((one) => !this.#hooks.includes(one))
    for (const {hook} of removed) if (!names.includes(hook.name)) monitor.reportActuator(hook.name, null)
    // A new hook is in sync until a verdict changes.
    const about = {status: 'in-sync', problems: [], since: clock.wall(), verifiedAt: null} as const
    for (const one of this.#hooks) if (!before.includes(one)) monitor.reportActuator(one.hook.name, about)
    await close(removed)
  }

  #start(settings: HookSettings, name: string, key: string): Running {
    const one: Running = {
      key,
      on: settings.on,
      // A replaced hook may still report its last delivery.
      hook: hook(settings, {
        ...this.#deps,
        name,
        report: (delivery) => this.#report(delivery, this.#hooks.includes(one)),
      }),
    }
    return one
  }

  /**
   * At the start: notifies hooks of each group that has no confirmed primary, because its verdict
   * changed before the daemon ran. A healthy group is no event.
   */
  notifyOfTroubles(): void {
    const snapshot = this.#deps.monitor.current()
    const troubled = Object.values(snapshot.groups).filter(({verdict}) => !isSettled(verdict) && !isStarting(verdict))
    this.#published({changes: troubled.map((group) => changeOfVerdict(group, 'starting')), snapshot})
  }

  routers(): readonly Router[] {
    return this.#hooks.map(({hook: {name, waiting, lost}, on}) => ({name, kind: 'hook', waiting, lost, on}))
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
        const why = isFrozen ? 'maintenance: no hook runs although' : 'dry run: hooks would run because'
        log.info({id: hookId(event)}, `${why} ${event.change.group} is ${event.change.to}`)
        continue
      }
      for (const {hook} of this.#hooks) hook.notify(event)
    }
  }

  #report({actuator: name, outcome, problem}: HookReport, isInForce: boolean): void {
    this.#deps.meter.applied(name, outcome)
    if (!isInForce) return
    report(this.#deps, name, {
      status: problem === null ? 'in-sync' : 'out-of-sync',
      problems: problem === null ? [] : [problem],
      isVerified: outcome === 'delivered',
    })
  }
}

const close = (hooks: readonly Running[]) => Promise.all(hooks.map(({hook}) => hook[Symbol.asyncDispose]()))
