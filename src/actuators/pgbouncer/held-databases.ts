/**
 * Databases that this daemon has paused, each with the moment of its PAUSE (monotonic
 * milliseconds). An operator's PAUSE is never among them: only the operator ends that one.
 */
export class HeldDatabases {
  /** `null`: PgBouncer was not read yet. */
  #since: ReadonlyMap<string, number> | null = null
  /** Paused in a process that may still run, while the address leads to another one. */
  #owed: ReadonlySet<string> = new Set()

  get names(): readonly string[] {
    return [...new Set([...(this.#since?.keys() ?? []), ...this.#owed])]
  }

  /** How long each has been paused; without those that are owed to another process. */
  msAt(now: number): Readonly<Record<string, number>> {
    return Object.fromEntries([...(this.#since ?? [])].map(([name, since]) => [name, now - since]))
  }

  /** To be called before PAUSE is sent: the connection may be lost after PgBouncer has read it. */
  add(name: string, now: number): void {
    if (!this.#since?.has(name)) this.#since = new Map([...(this.#since ?? []), [name, now]])
  }

  remove(name: string): void {
    this.#since = new Map([...(this.#since ?? [])].filter(([other]) => other !== name))
    this.#owed = new Set([...this.#owed].filter((other) => other !== name))
  }

  /**
   * After each read: a database that is not `paused` is held no longer, if the process is surely the
   * one that was told to pause (`isProven`); otherwise its RESUME is owed. `inherited`: what a former
   * daemon may have left paused; it counts at the first read only, from `now`.
   */
  keep({paused, inherited, isProven}: Reading, now: number): void {
    const held = this.#since ?? new Map(inherited.map((name) => [name, now]))
    const found = [...this.#owed].filter((name) => paused.includes(name) && !held.has(name))
    const isPaused = ([name]: readonly [string, number]) => paused.includes(name)
    const missing = [...held.keys(), ...this.#owed].filter((name) => !paused.includes(name))
    this.#since = new Map([...[...held].filter(isPaused), ...found.map((name) => [name, now] as const)])
    this.#owed = new Set(isProven ? [] : missing)
  }

  /** The next read counts as the first one. */
  reset(): void {
    this.#since = null
    this.#owed = new Set()
  }
}

/** What a process shows of the databases. */
type Reading = Readonly<{paused: readonly string[]; inherited: readonly string[]; isProven: boolean}>
