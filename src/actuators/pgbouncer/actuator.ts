import type {Actuator, Applied, ApplyOptions} from '../../core/actuator.ts'
import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {HeldFile} from '../../system/held-file.ts'
import {type OpenConsole, placeOf} from './console.ts'
import {HeldDatabases} from './held-databases.ts'
import {heldStateOf} from './hold-plan.ts'
import type {IncludeFiles, SharedInclude, StagedInclude} from './include-file.ts'
import {PgbouncerObserver} from './observer.ts'
import {type ObservedPgbouncer, type PgbouncerPlan, type PgbouncerStep, planPgbouncer} from './plan.ts'
import {readingOf} from './reading.ts'
import {Sessions} from './sessions.ts'

export type PgbouncerDeps = Readonly<{
  openConsole: OpenConsole
  fallback: (group: string) => ReadFallback
  clock: Clock
  files: IncludeFiles
  /** The first actuator of this process: a former process may have left databases paused. */
  isFirst: boolean
  /** Where it is kept what a planned switch has paused; `null`: nowhere. */
  stateDir: string | null
}>

/**
 * Reading and acting alternate: one round moves, one resumes, and one more where PgBouncer changed
 * in between.
 */
const rounds = 5
/** What the RESUMEs get when the daemon stops. */
const stopMs = 1_000

/** Keeps one PgBouncer in step: by its include file, and over its admin console. */
export function pgbouncerActuator(settings: PgbouncerSettings, deps: PgbouncerDeps): Actuator {
  return new PgbouncerActuator(settings, deps)
}

/** How many processes behind one address are looked for a pause, when the daemon must end it. */
const resumeTries = 8

/** `console`: `null` if PgBouncer cannot be reached. */
type Running = Readonly<{console: Sessions | null; isOutdated: () => boolean; done: string[]}>

const isPausedAlready = (error: unknown): boolean => /already (suspended|paused)/i.test(messageOf(error))
const isMove = ({kind}: PgbouncerStep) => kind === 'pause' || kind === 'write' || kind === 'reload'

class PgbouncerActuator implements Actuator {
  readonly name: string
  readonly kind = 'pgbouncer'
  readonly #settings: PgbouncerSettings
  readonly #deps: PgbouncerDeps
  readonly #held = new HeldDatabases()
  readonly #sessions: Sessions
  readonly #file: SharedInclude
  readonly #observer: PgbouncerObserver
  readonly #heldFile: HeldFile
  /** Databases whose PAUSE was refused in this pass. */
  #unpausable: readonly string[] = []
  /** Of this pass; `null`: nothing was read. */
  #observed: ObservedPgbouncer | null = null

  constructor(settings: PgbouncerSettings, deps: PgbouncerDeps) {
    this.name = `pgbouncer ${placeOf(settings.admin)}`
    this.#settings = settings
    this.#deps = deps
    this.#sessions = new Sessions((signal) => deps.openConsole(settings.admin, signal), deps.clock)
    this.#file = deps.files.at(settings.include)
    const {clock, isFirst} = deps
    const {name} = this
    this.#heldFile = new HeldFile(deps.stateDir, name)
    const left = async () => Object.keys(await this.#heldFile.read())
    this.#observer = new PgbouncerObserver({name, settings, file: this.#file, held: this.#held, clock, isFirst, left})
  }

  async apply(snapshot: Snapshot, {dryRun, signal, isOutdated}: ApplyOptions): Promise<Applied> {
    const steps: string[] = []
    const unreachable: string[] = []
    this.#observed = null
    try {
      const console = await this.#begin(signal, unreachable)
      const applied = dryRun
        ? await this.#planned(console, snapshot)
        : await this.#pass({console, isOutdated, done: steps}, snapshot)
      if (!dryRun) await this.#noteHeld()
      const isReached = dryRun || unreachable.length === 0
      return {
        ...applied,
        outcome: isReached ? applied.outcome : 'failed',
        problems: [...unreachable, ...applied.problems],
        ...this.#reading(snapshot),
      }
    } catch (error) {
      return {
        outcome: 'failed',
        steps,
        problems: [...unreachable, messageOf(error)],
        ...this.#reading(snapshot),
      }
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
    await this.#noteHeld().catch(() => {})
    cancel()
    this.#sessions[Symbol.dispose]()
    this.#file.forget(this.name)
  }

  async #resumeHeld(signal: AbortSignal, mustReload: boolean): Promise<void> {
    try {
      for (let tries = 0; tries < resumeTries && this.#held.names.length > 0; tries += 1) {
        await this.#sessions.begin(signal)
        if (mustReload) await this.#sessions.ask('RELOAD')
        for (const database of this.#held.names) await this.#resume(database)
        if (this.#sessions.isProven) break
      }
    } catch {
      // PgBouncer itself is gone, and its pauses with it.
    }
  }

  async #resume(database: string): Promise<void> {
    if (this.#sessions.mayHold(database) && (await this.#sessions.resume(database))) this.#held.remove(database)
  }

  /** `null`: no session; `problems` receives the reason. */
  async #begin(signal: AbortSignal, problems: string[]): Promise<Sessions | null> {
    try {
      const problem = await this.#sessions.begin(signal)
      if (problem !== null) problems.push(problem)
      return this.#sessions
    } catch (error) {
      problems.push(messageOf(error))
      return null
    }
  }

  async #planned(console: Sessions | null, snapshot: Snapshot): Promise<Applied> {
    const {steps, problems} = this.#plan(await this.#observe(console), snapshot)
    // A dry run has paused nothing, so it must not resume anything later.
    this.#held.reset()
    return {outcome: 'planned', steps: steps.map((step) => `${this.#textOf(step)}  # ${step.why}`), problems}
  }

  async #pass(running: Running, snapshot: Snapshot): Promise<Applied> {
    const {console, done, isOutdated} = running
    let refused: string | null = null
    this.#unpausable = []
    let observed = await this.#observe(console)
    let plan = this.#plan(observed, snapshot)
    // Before the PAUSE: a daemon that crashes in between leaves no client waiting.
    if (snapshot.hold) await this.#noteHeld(plan.steps.filter(({kind}) => kind === 'pause'))
    for (let round = 0; round < rounds && plan.steps.length > 0 && refused === null && !isOutdated(); round += 1) {
      refused = await this.#run(plan, running)
      observed = await this.#observe(console)
      plan = this.#plan(observed, snapshot)
    }
    const held = heldStateOf({...observed, databases: this.#settings.databases}, snapshot)
    const isOver = refused === null && plan.steps.length === 0
    return {
      outcome: !isOver || plan.isStuck ? 'failed' : done.length > 0 ? 'applied' : 'in-sync',
      steps: done,
      problems: refused === null ? plan.problems : [refused, ...plan.problems],
      ...(plan.againMs !== null && {againMs: plan.againMs}),
      ...(held && {held}),
    }
  }

  /** For a later process: databases that are paused, and those that are about to be. */
  async #noteHeld(pausing: readonly PgbouncerStep[] = []): Promise<void> {
    const before = Object.keys(await this.#heldFile.read())
    const held = this.#held.names.filter((name) => before.includes(name))
    const names = [...held, ...pausing.flatMap(({database}) => database ?? [])]
    await this.#heldFile.write(Object.fromEntries(names.map((name) => [name, 1])))
  }

  #plan(observed: ObservedPgbouncer, snapshot: Snapshot): PgbouncerPlan {
    return planPgbouncer({...this.#settings, fallback: this.#deps.fallback}, observed, snapshot)
  }

  async #observe(console: Sessions | null): Promise<ObservedPgbouncer> {
    this.#observed = await this.#observer.observe(console, this.#unpausable)
    return this.#observed
  }

  #reading(snapshot: Snapshot): Pick<Applied, 'reading'> {
    const reading = this.#observed && readingOf(this.#settings, this.#observed, snapshot)
    return reading === null ? {} : {reading}
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
      const database = step.database ?? ''
      if (step.kind === 'kill') await console?.kill(database)
      else if (await console?.resume(database)) this.#held.remove(database)
      done.push(this.#textOf(step))
    }
    return refused
  }

  /** The file is staged first: a file that cannot be written pauses no database. */
  async #move(steps: readonly PgbouncerStep[], include: string, running: Running): Promise<string | null> {
    const {console, done, isOutdated} = running
    const mustWrite = steps.some(({kind}) => kind === 'write')
    const staged = mustWrite ? await this.#file.stage(include).catch(messageOf) : null
    if (typeof staged === 'string') return staged
    await using file = staged
    const paused: string[] = []
    for (const step of steps) {
      if (isOutdated()) return null
      if (step.kind === 'pause' && (await this.#pause(step.database ?? '', console))) paused.push(step.database ?? '')
      if (step.kind === 'write') {
        const written = await this.#write(file, paused, console)
        if (typeof written === 'string') return written
        if (!written) continue
      }
      if (step.kind === 'reload') {
        await console?.ask('RELOAD')
        if (console) this.#observer.reloaded(include, console)
      }
      done.push(this.#textOf(step))
    }
    return null
  }

  /** Whether the pause is this daemon's. */
  async #pause(database: string, console: Sessions | null): Promise<boolean> {
    this.#markHeld(database)
    try {
      await console?.pause(database)
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

  /**
   * `false`: another actuator has written the same. A text: why the file could not be put in its
   * place; then the databases `paused` for it are resumed.
   */
  async #write(
    file: StagedInclude | null,
    paused: readonly string[],
    console: Sessions | null,
  ): Promise<boolean | string> {
    const written = (await file?.put().catch(messageOf)) ?? false
    if (typeof written === 'string') for (const database of paused) await console?.resume(database)
    return written
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
