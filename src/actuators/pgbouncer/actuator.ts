import type {Actuator, Applied, ApplyOptions} from '../../core/actuator.ts'
import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type OpenConsole, ReopeningConsole} from './console.ts'
import {readInclude, stageInclude} from './include-file.ts'
import {type ObservedPgbouncer, type PgbouncerPlan, type PgbouncerStep, planPgbouncer} from './plan.ts'
import {readPgbouncer} from './read.ts'

export type PgbouncerDeps = Readonly<{
  openConsole: OpenConsole
  fallback: (group: string) => ReadFallback
  clock: Clock
  /** Of this process: a former one may have left databases paused. */
  isFirst: boolean
}>

/**
 * Read, plan, act, read again: move, then let go; and once more where the console answered in
 * between.
 */
const rounds = 5
/** A RELOAD that moved nothing is tried again after so long. */
const reloadRetryMs = 10_000
const stopMs = 1_000

/** Tells one PgBouncer: by its include file, and over its admin console. */
export function pgbouncerActuator(settings: PgbouncerSettings, deps: PgbouncerDeps): Actuator {
  return new PgbouncerActuator(settings, deps)
}

type Running = Readonly<{console: ReopeningConsole | null; isOutdated: () => boolean; done: string[]}>

const isPausedAlready = (error: unknown): boolean => /already (suspended|paused)/i.test(messageOf(error))

class PgbouncerActuator implements Actuator {
  readonly name: string
  readonly #settings: PgbouncerSettings
  readonly #deps: PgbouncerDeps
  /** Since when databases are paused at our word. `null`: never looked. Monotonic. */
  #held: ReadonlyMap<string, number> | null = null
  /** In this pass. */
  #unpausable: readonly string[] = []
  /** The text that PgBouncer was last told to read, and when. */
  #lastReload: Readonly<{text: string; at: number}> | null = null

  constructor(settings: PgbouncerSettings, deps: PgbouncerDeps) {
    const {host, hostaddr, port} = settings.admin
    this.name = `pgbouncer ${hostaddr ?? host}:${port}`
    this.#settings = settings
    this.#deps = deps
  }

  async apply(snapshot: Snapshot, {dryRun, signal, isOutdated}: ApplyOptions): Promise<Applied> {
    const steps: string[] = []
    const unreachable: string[] = []
    try {
      using console = await this.#open(signal).catch((error) => {
        unreachable.push(messageOf(error))
        return null
      })
      const applied = dryRun
        ? await this.#planned(console, snapshot)
        : await this.#pass({console, isOutdated, done: steps}, snapshot)
      const isReached = dryRun || unreachable.length === 0
      return {
        ...applied,
        outcome: isReached ? applied.outcome : 'failed',
        problems: [...unreachable, ...applied.problems],
      }
    } catch (error) {
      return {outcome: 'failed', steps, problems: [...unreachable, messageOf(error)]}
    }
  }

  rest(signal: AbortSignal): Promise<void> {
    return this.#resumeHeld(signal, false)
  }

  /** Clients do not wait for somebody who has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const limit = new AbortController()
    const cancel = this.#deps.clock.after(stopMs, () => limit.abort())
    await this.#resumeHeld(limit.signal, true)
    cancel()
  }

  async #resumeHeld(signal: AbortSignal, mustReload: boolean): Promise<void> {
    const held = [...(this.#held?.keys() ?? [])]
    if (held.length === 0) return
    try {
      using console = await this.#open(signal)
      if (mustReload) await console.ask('RELOAD')
      for (const database of held) {
        await console.command('RESUME', database).catch((error) => {
          // By somebody else, or it is gone.
          if (!/is not paused|no such database/i.test(messageOf(error))) throw error
        })
        this.#held = without(this.#held, database)
      }
    } catch {
      // It is gone itself.
    }
  }

  #open(signal: AbortSignal): Promise<ReopeningConsole> {
    const {openConsole, clock} = this.#deps
    return ReopeningConsole.open(() => openConsole(this.#settings.admin, signal), clock)
  }

  async #planned(console: ReopeningConsole | null, snapshot: Snapshot): Promise<Applied> {
    const {steps, problems} = this.#plan(await this.#observe(console), snapshot)
    // Whoever is paused is nobody's to let go.
    this.#held = null
    return {outcome: 'planned', steps: steps.map((step) => `${this.#textOf(step)}  # ${step.why}`), problems}
  }

  async #pass(running: Running, snapshot: Snapshot): Promise<Applied> {
    const {console, done, isOutdated} = running
    let refused: string | null = null
    this.#unpausable = []
    let plan = this.#plan(await this.#observe(console), snapshot)
    for (let round = 0; round < rounds && plan.steps.length > 0 && refused === null && !isOutdated(); round += 1) {
      refused = await this.#run(plan, running)
      plan = this.#plan(await this.#observe(console), snapshot)
    }
    const isOver = refused === null && plan.steps.length === 0
    return {
      outcome: !isOver || plan.isStuck ? 'failed' : done.length > 0 ? 'applied' : 'in-sync',
      steps: done,
      problems: refused === null ? plan.problems : [refused, ...plan.problems],
      ...(plan.againMs !== null && {againMs: plan.againMs}),
    }
  }

  #plan(observed: ObservedPgbouncer, snapshot: Snapshot): PgbouncerPlan {
    return planPgbouncer({...this.#settings, fallback: this.#deps.fallback}, observed, snapshot)
  }

  async #observe(console: ReopeningConsole | null): Promise<ObservedPgbouncer> {
    const state = console && (await readPgbouncer(console))
    const include = await readInclude(this.#settings.include)
    const now = this.#deps.clock.now()
    if (state) {
      const paused = state.databases.filter(({isPaused}) => isPaused).map(({name}) => name)
      const held = this.#held ?? new Map(this.#mayBeOurs(paused).map((name) => [name, now]))
      this.#held = new Map([...held].filter(([name]) => paused.includes(name)))
    }
    const isRead =
      this.#lastReload !== null && this.#lastReload.text === include && now - this.#lastReload.at < reloadRetryMs
    const heldMs = Object.fromEntries([...(this.#held ?? [])].map(([name, since]) => [name, now - since]))
    return {include, state, isRead, heldMs, unpausable: this.#unpausable}
  }

  /**
   * What a former life of ours may have left: only one that pauses can have, and none but its own.
   */
  #mayBeOurs(paused: readonly string[]): readonly string[] {
    const {pauseMs, databases} = this.#settings
    return this.#deps.isFirst && pauseMs !== null ? paused.filter((name) => Object.hasOwn(databases, name)) : []
  }

  /**
   * Why the file could not be written; the rest is done all the same, for other databases. `null`:
   * all was done.
   */
  async #run({steps, include}: PgbouncerPlan, running: Running): Promise<string | null> {
    const {console, done, isOutdated} = running
    const isMove = ({kind}: PgbouncerStep) => kind === 'pause' || kind === 'write' || kind === 'reload'
    const refused = await this.#move(steps.filter(isMove), include, running)
    const mayResume = (name: string | null) => steps.some(({kind, database}) => kind === 'resume' && database === name)
    for (const step of steps.filter((each) => !isMove(each))) {
      if (isOutdated()) break
      // KILL pauses too; where somebody else had paused it, it stays his.
      if (step.kind === 'kill' && mayResume(step.database)) this.#markHeld(step.database ?? '')
      await console?.command(step.kind === 'kill' ? 'KILL' : 'RESUME', step.database ?? '')
      done.push(this.#textOf(step))
    }
    return refused
  }

  /** Nobody is paused for a file that cannot be written. */
  async #move(
    steps: readonly PgbouncerStep[],
    include: string,
    {console, done, isOutdated}: Running,
  ): Promise<string | null> {
    const mustWrite = steps.some(({kind}) => kind === 'write')
    const staged = mustWrite ? await stageInclude(this.#settings.include, include).catch(messageOf) : null
    if (typeof staged === 'string') return staged
    await using file = staged
    const paused: string[] = []
    for (const step of steps) {
      if (isOutdated()) return null
      if (step.kind === 'pause') {
        const name = step.database ?? ''
        // Before: the connection may be lost with the word on its way.
        this.#markHeld(name)
        try {
          await console?.command('PAUSE', name)
          paused.push(name)
        } catch (error) {
          // All of PgBouncer, by somebody else, whose pause it stays: it moves all the same.
          if (!isPausedAlready(error)) throw error
          this.#held = without(this.#held, name)
          this.#unpausable = [...this.#unpausable, name]
        }
      }
      if (step.kind === 'write') {
        const refused = await file?.put().then(() => null, messageOf)
        if (typeof refused === 'string') {
          for (const database of paused) await console?.command('RESUME', database)
          return refused
        }
      }
      if (step.kind === 'reload') {
        await console?.ask('RELOAD')
        this.#lastReload = {text: include, at: this.#deps.clock.now()}
      }
      done.push(this.#textOf(step))
    }
    return null
  }

  #markHeld(database: string): void {
    if (!this.#held?.has(database)) this.#held = new Map([...(this.#held ?? []), [database, this.#deps.clock.now()]])
  }

  #textOf({kind, database, why}: PgbouncerStep): string {
    if (kind === 'write') return `write ${this.#settings.include}: ${why}`
    return kind === 'reload' ? 'RELOAD' : `${kind.toUpperCase()} ${database}`
  }
}

const without = (held: ReadonlyMap<string, number> | null, database: string): ReadonlyMap<string, number> =>
  new Map([...(held ?? [])].filter(([name]) => name !== database))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`)
