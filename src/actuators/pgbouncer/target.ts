import type {Actuator, Applied} from '../../core/actuator.ts'
import {type PgbouncerPlan, type PgbouncerSight, type PgbouncerStep, planPgbouncer} from '../../core/pgbouncer-plan.ts'
import type {Clock} from '../../core/ports.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import type {PgbouncerSettings} from '../../core/target-settings.ts'
import {type OpenConsole, PatientConsole} from './console.ts'
import {readInclude, stageInclude} from './include-file.ts'
import {readPgbouncer} from './read.ts'

export type PgbouncerDeps = Readonly<{openConsole: OpenConsole; fallback: (group: string) => ReadFallback; clock: Clock}>

/** Read, plan, act, read again: move, then let go; and once more where the console answered in between. */
const rounds = 5
/** A RELOAD that moved nothing is tried again after so long. */
const vainMs = 10_000
const leaveMs = 1_000

/** Tells one PgBouncer: by its include file, and over its admin console. */
export function pgbouncerTarget(settings: PgbouncerSettings, deps: PgbouncerDeps): Actuator {
  return new PgbouncerTarget(settings, deps)
}

class PgbouncerTarget implements Actuator {
  readonly name: string
  readonly #settings: PgbouncerSettings
  readonly #deps: PgbouncerDeps
  /** Since when databases are paused at our word. `null`: never looked; then a former life of ours may have left some so. Monotonic. */
  #held: ReadonlyMap<string, number> | null = null
  /** Held, and leading where they should, at the latest after a RELOAD. */
  #waiting: readonly string[] = []
  /** The text that PgBouncer was last told to read, and when. */
  #told: Readonly<{text: string; at: number}> | null = null

  constructor(settings: PgbouncerSettings, deps: PgbouncerDeps) {
    const {host, hostaddr, port} = settings.admin
    this.name = `pgbouncer ${hostaddr ?? host}:${port}`
    this.#settings = settings
    this.#deps = deps
  }

  async apply(snapshot: Snapshot, {dryRun, signal}: Readonly<{dryRun: boolean; signal: AbortSignal}>): Promise<Applied> {
    const steps: string[] = []
    const trouble: string[] = []
    try {
      using console = await this.#open(signal).catch((error) => {
        trouble.push(wordsOf(error))
        return null
      })
      const applied = dryRun ? await this.#planned(console, snapshot) : await this.#pass(console, snapshot, steps)
      const isReached = dryRun || trouble.length === 0
      return {...applied, outcome: isReached ? applied.outcome : 'failed', problems: [...trouble, ...applied.problems]}
    } catch (error) {
      return {outcome: 'failed', steps, problems: [...trouble, wordsOf(error)]}
    }
  }

  /** Clients do not wait for somebody who has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#waiting.length === 0) return
    const limit = new AbortController()
    const cancel = this.#deps.clock.after(leaveMs, () => limit.abort())
    try {
      using console = await this.#open(limit.signal)
      await console.ask('RELOAD')
      for (const database of this.#waiting) await console.tell('RESUME', database)
    } catch {
      // It is gone itself, or was resumed by somebody else.
    } finally {
      cancel()
    }
  }

  #open(signal: AbortSignal): Promise<PatientConsole> {
    const {openConsole, clock} = this.#deps
    return PatientConsole.open(() => openConsole(this.#settings.admin, signal), clock)
  }

  async #planned(console: PatientConsole | null, snapshot: Snapshot): Promise<Applied> {
    const {steps, problems} = this.#plan(await this.#see(console), snapshot)
    return {outcome: 'planned', steps: steps.map((step) => `${this.#inWords(step)}  # ${step.why}`), problems}
  }

  async #pass(console: PatientConsole | null, snapshot: Snapshot, done: string[]): Promise<Applied> {
    let refused: string | null = null
    let plan = this.#plan(await this.#see(console), snapshot)
    for (let round = 0; round < rounds && plan.steps.length > 0 && refused === null; round += 1) {
      refused = await this.#take(plan, console, done)
      plan = this.#plan(await this.#see(console), snapshot)
    }
    const isOver = refused === null && plan.steps.length === 0
    this.#waiting = isOver ? plan.settled.filter((name) => this.#held?.has(name)) : []
    return {
      outcome: !isOver || plan.isStuck ? 'failed' : done.length > 0 ? 'applied' : 'in-sync',
      steps: done,
      problems: refused === null ? plan.problems : [refused, ...plan.problems],
      ...(plan.againMs !== null && {againMs: plan.againMs}),
    }
  }

  #plan(sight: PgbouncerSight, snapshot: Snapshot): PgbouncerPlan {
    return planPgbouncer({...this.#settings, fallback: this.#deps.fallback}, sight, snapshot)
  }

  async #see(console: PatientConsole | null): Promise<PgbouncerSight> {
    const state = console && (await readPgbouncer(console))
    const include = await readInclude(this.#settings.include)
    const now = this.#deps.clock.now()
    if (state) {
      const paused = state.databases.filter(({isPaused}) => isPaused).map(({name}) => name)
      const held = this.#held ?? new Map(paused.map((name) => [name, now]))
      this.#held = new Map([...held].filter(([name]) => paused.includes(name)))
    }
    const isRead = this.#told !== null && this.#told.text === include && now - this.#told.at < vainMs
    const heldMs = Object.fromEntries([...(this.#held ?? [])].map(([name, since]) => [name, now - since]))
    return {include, state, isRead, heldMs}
  }

  /** Why the file could not be written; the rest is done all the same, for other databases. `null`: all was done. */
  async #take({steps, include}: PgbouncerPlan, console: PatientConsole | null, done: string[]): Promise<string | null> {
    const isMove = ({kind}: PgbouncerStep) => kind === 'pause' || kind === 'write' || kind === 'reload'
    const refused = await this.#move(steps.filter(isMove), include, console, done)
    for (const step of steps.filter((each) => !isMove(each))) {
      await console?.tell(step.kind === 'kill' ? 'KILL' : 'RESUME', step.database ?? '')
      done.push(this.#inWords(step))
    }
    return refused
  }

  /** Nobody is paused for a file that cannot be written. */
  async #move(steps: readonly PgbouncerStep[], include: string, console: PatientConsole | null, done: string[]): Promise<string | null> {
    const mustWrite = steps.some(({kind}) => kind === 'write')
    const staged = mustWrite ? await stageInclude(this.#settings.include, include).catch(wordsOf) : null
    if (typeof staged === 'string') return staged
    await using file = staged
    const paused: string[] = []
    for (const step of steps) {
      if (step.kind === 'pause') {
        const name = step.database ?? ''
        await console?.tell('PAUSE', name)
        this.#held = new Map([...(this.#held ?? []), [name, this.#deps.clock.now()]])
        paused.push(name)
      }
      if (step.kind === 'write') {
        const refused = await file?.put().then(() => null, wordsOf)
        if (typeof refused === 'string') {
          for (const database of paused) await console?.tell('RESUME', database)
          return refused
        }
      }
      if (step.kind === 'reload') {
        await console?.ask('RELOAD')
        this.#told = {text: include, at: this.#deps.clock.now()}
      }
      done.push(this.#inWords(step))
    }
    return null
  }

  #inWords({kind, database, why}: PgbouncerStep): string {
    if (kind === 'write') return `write ${this.#settings.include}: ${why}`
    return kind === 'reload' ? 'RELOAD' : `${kind.toUpperCase()} ${database}`
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`)
