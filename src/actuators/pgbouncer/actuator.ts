import type {Actuator, Applied, ApplyOptions} from '../../core/actuator.ts'
import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type OpenConsole, ReopeningConsole} from './console.ts'
import {HeldDatabases} from './held-databases.ts'
import {readInclude, type StagedInclude, stageInclude} from './include-file.ts'
import {type ObservedPgbouncer, type PgbouncerPlan, type PgbouncerStep, planPgbouncer} from './plan.ts'
import {readPgbouncer} from './read.ts'

export type PgbouncerDeps = Readonly<{
  openConsole: OpenConsole
  fallback: (group: string) => ReadFallback
  clock: Clock
  /** The first actuator of this process: a former process may have left databases paused. */
  isFirst: boolean
}>

/**
 * Reading and acting alternate: one round moves, one resumes, and one more where PgBouncer changed
 * in between.
 */
const rounds = 5
/** A RELOAD after which PgBouncer still shows the old host is sent again after this time. */
const reloadRetryMs = 10_000
/** What the RESUMEs get when the daemon stops. */
const stopMs = 1_000

/** Keeps one PgBouncer in step: by its include file, and over its admin console. */
export function pgbouncerActuator(settings: PgbouncerSettings, deps: PgbouncerDeps): Actuator {
  return new PgbouncerActuator(settings, deps)
}

type Running = Readonly<{console: ReopeningConsole | null; isOutdated: () => boolean; done: string[]}>

const isPausedAlready = (error: unknown): boolean => /already (suspended|paused)/i.test(messageOf(error))
const isMove = ({kind}: PgbouncerStep) => kind === 'pause' || kind === 'write' || kind === 'reload'

class PgbouncerActuator implements Actuator {
  readonly name: string
  readonly #settings: PgbouncerSettings
  readonly #deps: PgbouncerDeps
  readonly #held = new HeldDatabases()
  /** Databases whose PAUSE was refused in this pass. */
  #unpausable: readonly string[] = []
  /** The text of the include file at the last RELOAD, and when that was (monotonic). */
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

  /** A stopped daemon must not leave clients waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    const limit = new AbortController()
    const cancel = this.#deps.clock.after(stopMs, () => limit.abort())
    await this.#resumeHeld(limit.signal, true)
    cancel()
  }

  async #resumeHeld(signal: AbortSignal, mustReload: boolean): Promise<void> {
    const held = this.#held.names
    if (held.length === 0) return
    try {
      using console = await this.#open(signal)
      if (mustReload) await console.ask('RELOAD')
      for (const database of held) {
        await console.command('RESUME', database).catch((error) => {
          // An operator has resumed or removed the database.
          if (!/is not paused|no such database/i.test(messageOf(error))) throw error
        })
        this.#held.remove(database)
      }
    } catch {
      // PgBouncer itself is gone, and its pauses with it.
    }
  }

  #open(signal: AbortSignal): Promise<ReopeningConsole> {
    const {openConsole, clock} = this.#deps
    return ReopeningConsole.open(() => openConsole(this.#settings.admin, signal), clock)
  }

  async #planned(console: ReopeningConsole | null, snapshot: Snapshot): Promise<Applied> {
    const {steps, problems} = this.#plan(await this.#observe(console), snapshot)
    // A dry run has paused nothing, so it must not resume anything later.
    this.#held.reset()
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
      this.#held.keep(paused, this.#inheritable(paused), now)
    }
    const last = this.#lastReload
    const isRead = last !== null && last.text === include && now - last.at < reloadRetryMs
    return {include, state, isRead, heldMs: this.#held.msAt(now), unpausable: this.#unpausable}
  }

  /**
   * What a former process of this daemon may have left paused: its own databases, and only where
   * the configuration lets the daemon pause.
   */
  #inheritable(paused: readonly string[]): readonly string[] {
    const {pauseMs, databases} = this.#settings
    return this.#deps.isFirst && pauseMs !== null ? paused.filter((name) => Object.hasOwn(databases, name)) : []
  }

  /**
   * Why the file could not be written; `null`: every step ran. KILL and RESUME of other databases
   * run in any case.
   */
  async #run({steps, include}: PgbouncerPlan, running: Running): Promise<string | null> {
    const {console, done, isOutdated} = running
    const refused = await this.#move(steps.filter(isMove), include, running)
    const mayResume = (name: string | null) => steps.some(({kind, database}) => kind === 'resume' && database === name)
    for (const step of steps.filter((each) => !isMove(each))) {
      if (isOutdated()) break
      // KILL pauses too. A database that an operator had paused before stays the operator's.
      if (step.kind === 'kill' && mayResume(step.database)) this.#markHeld(step.database ?? '')
      await console?.command(step.kind === 'kill' ? 'KILL' : 'RESUME', step.database ?? '')
      done.push(this.#textOf(step))
    }
    return refused
  }

  /** The file is staged first: a file that cannot be written pauses no database. */
  async #move(steps: readonly PgbouncerStep[], include: string, running: Running): Promise<string | null> {
    const {console, done, isOutdated} = running
    const mustWrite = steps.some(({kind}) => kind === 'write')
    const staged = mustWrite ? await stageInclude(this.#settings.include, include).catch(messageOf) : null
    if (typeof staged === 'string') return staged
    await using file = staged
    const paused: string[] = []
    for (const step of steps) {
      if (isOutdated()) return null
      if (step.kind === 'pause' && (await this.#pause(step.database ?? '', console))) paused.push(step.database ?? '')
      if (step.kind === 'write') {
        const refused = await this.#write(file, paused, console)
        if (refused !== null) return refused
      }
      if (step.kind === 'reload') {
        await console?.ask('RELOAD')
        this.#lastReload = {text: include, at: this.#deps.clock.now()}
      }
      done.push(this.#textOf(step))
    }
    return null
  }

  /** Whether the pause is this daemon's. */
  async #pause(database: string, console: ReopeningConsole | null): Promise<boolean> {
    this.#markHeld(database)
    try {
      await console?.command('PAUSE', database)
      return true
    } catch (error) {
      // An operator has paused all of PgBouncer, and only the operator ends that. The database
      // moves all the same.
      if (!isPausedAlready(error)) throw error
      this.#held.remove(database)
      this.#unpausable = [...this.#unpausable, database]
      return false
    }
  }

  /** Why the file could not be put in its place; then the databases `paused` for it are resumed. */
  async #write(
    file: StagedInclude | null,
    paused: readonly string[],
    console: ReopeningConsole | null,
  ): Promise<string | null> {
    const refused = (await file?.put().then(() => null, messageOf)) ?? null
    if (refused !== null) for (const database of paused) await console?.command('RESUME', database)
    return refused
  }

  #markHeld(database: string): void {
    this.#held.add(database, this.#deps.clock.now())
  }

  #textOf({kind, database, why}: PgbouncerStep): string {
    if (kind === 'write') return `write ${this.#settings.include}: ${why}`
    return kind === 'reload' ? 'RELOAD' : `${kind.toUpperCase()} ${database}`
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`)
