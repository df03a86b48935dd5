import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {placeOf} from './console.ts'
import type {HeldDatabases} from './held-databases.ts'
import {linesOf, type Pointer, pointerOf} from './include.ts'
import type {SharedInclude} from './include-file.ts'
import type {ObservedPgbouncer} from './plan.ts'
import type {SharedAddress} from './problems.ts'
import {readPgbouncer} from './read.ts'
import type {Sessions} from './sessions.ts'
import {type PgbouncerState, takesLists} from './state.ts'

/** A RELOAD after which PgBouncer still shows the old host is sent again after this time. */
const reloadRetryMs = 10_000

type Observed = Readonly<{
  /** Of the actuator. */
  name: string
  settings: PgbouncerSettings
  file: SharedInclude
  held: HeldDatabases
  clock: Clock
  isFirst: boolean
  /** Databases that a former process has paused for a planned switch. */
  left: () => Promise<readonly string[]>
}>

/** Reads PgBouncer and the include file, and remembers what PgBouncer made of the file. */
export class PgbouncerObserver {
  readonly #of: Observed
  /** The text of the include file at the last RELOAD, its session, and when that was (monotonic). */
  #lastReload: Readonly<{text: string; session: object | null; at: number}> | null = null
  /** The text that PgBouncer had read when it was first seen. */
  #firstText: string | null = null
  #followed: Readonly<Record<string, Pointer>> = {}
  #folders: readonly string[] = []
  /** `null`: not read yet. */
  #left: readonly string[] | null = null

  constructor(of: Observed) {
    this.#of = of
  }

  /** PgBouncer has just received RELOAD for this text. */
  reloaded(text: string, {session}: Sessions): void {
    this.#lastReload = {text, session, at: this.#of.clock.now()}
  }

  /** `console`: `null` if PgBouncer cannot be reached. */
  async observe(console: Sessions | null, unpausable: readonly string[]): Promise<ObservedPgbouncer> {
    const {name, file, held, clock} = this.#of
    const state = console && (await readPgbouncer(console))
    const include = await file.read()
    const now = clock.now()
    if (console && state) {
      console.isPortShared = state.isPortShared && !this.#isOnUnixSocket
      file.note(name, takesLists(state))
      this.#firstText ??= include
      this.#follow(state, include ?? '')
      const paused = state.databases
        .filter((database) => database.isPaused && console.mayHold(database.name))
        .map((database) => database.name)
      this.#left ??= await this.#of.left()
      const inherited = this.#inheritable(paused, this.#left)
      held.keep({paused, inherited, isProven: console.isProven}, now)
    }
    return {
      include,
      state,
      isRead: this.#isRead(include, console, now),
      heldMs: held.msAt(now),
      unpausable,
      followed: this.#followed,
      readText: this.#lastReload?.text ?? this.#firstText,
      mayList: file.mayList,
      shared: this.#shared(console, state),
    }
  }

  /** Behind a shared address the next session may reach a process that had no RELOAD. */
  #isRead(include: string | null, console: Sessions | null, now: number): boolean {
    const last = this.#lastReload
    if (last === null || last.text !== include) return false
    return console?.isShared ? last.session === console.session : now - last.at < reloadRetryMs
  }

  #follow({databases}: PgbouncerState, include: string): void {
    const lines = linesOf(include)
    const agreeing = databases.flatMap(({name, host, port}): [string, Pointer][] => {
      const pointer = pointerOf(lines.get(name) ?? '')
      return pointer?.host === host && pointer.port === port ? [[name, pointer]] : []
    })
    this.#followed = {...this.#followed, ...Object.fromEntries(agreeing)}
  }

  #shared(console: Sessions | null, state: PgbouncerState | null): SharedAddress | null {
    if (!console?.isShared) {
      this.#folders = []
      return null
    }
    const folder = state?.socketFolder
    if (folder) this.#folders = [...new Set([...this.#folders, folder])].toSorted()
    return {address: placeOf(this.#of.settings.admin), isPortShared: console.isPortShared, folders: this.#folders}
  }

  get #isOnUnixSocket(): boolean {
    const {host, hostaddr} = this.#of.settings.admin
    return hostaddr === null && host.startsWith('/')
  }

  /**
   * What a former process of this daemon may have left paused: its own databases, and only where
   * the configuration lets the daemon pause, or a planned switch did (`left`).
   */
  #inheritable(paused: readonly string[], left: readonly string[]): readonly string[] {
    const {pauseMs, databases} = this.#of.settings
    const ours = paused.filter((name) => Object.hasOwn(databases, name))
    return ours.filter((name) => left.includes(name) || (this.#of.isFirst && pauseMs !== null))
  }
}
