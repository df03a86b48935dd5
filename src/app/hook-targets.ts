import {type Hook, type HookReport, hooks} from '../actuators/hook/hook.ts'
import type {Config} from '../config/config.ts'
import {hookEvents, hookId} from '../core/hook-event.ts'
import type {Publication} from '../core/snapshot.ts'
import type {TargetsDeps} from './targets.ts'

/** Tells hooks of each verdict that changes, as the configuration in force names them. They have no state that could be put right: nothing is repeated. */
export class HookTargets implements AsyncDisposable {
  readonly #deps: TargetsDeps
  readonly #unsubscribe: () => void
  #hooks: readonly Hook[] = []
  #asked = ''

  constructor(deps: TargetsDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.monitor.subscribe((publication) => this.#published(publication))
  }

  /** Hooks that did not change go on together, with what waits for them. */
  async follow({hooks: settings}: Config): Promise<void> {
    const asked = JSON.stringify(settings)
    if (asked === this.#asked) return
    const before = this.#hooks
    this.#asked = asked
    const {monitor, clock} = this.#deps
    this.#hooks = hooks(settings, {...this.#deps, report: (report) => this.#report(report)})
    const names = this.#hooks.map(({name}) => name)
    for (const {name} of before) if (!names.includes(name)) monitor.target(name, null)
    // Until a verdict changes there is nothing to tell.
    for (const name of names) monitor.target(name, {status: 'in-sync', problems: [], since: clock.wall(), verifiedAt: null})
    await close(before)
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
      for (const hook of this.#hooks) hook.tell(event)
    }
  }

  #report({target, outcome, problem}: HookReport): void {
    const {monitor, clock, meter} = this.#deps
    meter.applied(target, outcome)
    // One that has been replaced may still report its last delivery.
    if (!this.#hooks.some(({name}) => name === target)) return
    const before = monitor.current().actuators[target]
    const status = problem === null ? 'in-sync' : 'out-of-sync'
    const wall = clock.wall()
    monitor.target(target, {
      status,
      problems: problem === null ? [] : [problem],
      since: before?.status === status ? before.since : wall,
      verifiedAt: outcome === 'delivered' ? wall : (before?.verifiedAt ?? null),
    })
  }
}

const close = (hooks: readonly Hook[]) => Promise.all(hooks.map((hook) => hook[Symbol.asyncDispose]()))
