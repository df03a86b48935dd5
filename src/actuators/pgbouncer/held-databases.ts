/**
 * Databases that this daemon has paused, each with the moment of its PAUSE (monotonic
 * milliseconds). An operator's PAUSE is never among them: only the operator ends that one.
 */
export class HeldDatabases {
  /** `null`: PgBouncer was not read yet. */
  #since: ReadonlyMap<string, number> | null = null

  get names(): readonly string[] {
    return [...(this.#since?.keys() ?? [])]
  }

  /** How long each has been paused. */
  msAt(now: number): Readonly<Record<string, number>> {
    return Object.fromEntries([...(this.#since ?? [])].map(([name, since]) => [name, now - since]))
  }

  /** To be called before PAUSE is sent: the connection may be lost after PgBouncer has read it. */
  add(name: string, now: number): void {
    if (!this.#since?.has(name)) this.#since = new Map([...(this.#since ?? []), [name, now]])
  }

  remove(name: string): void {
    this.#since = new Map([...(this.#since ?? [])].filter(([other]) => other !== name))
  }

  /**
   * After each read: a database that is not `paused` is held no longer. `inherited`: what a former
   * process may have left paused; it counts at the first read only, from `now`.
   */
  keep(paused: readonly string[], inherited: readonly string[], now: number): void {
    const held = this.#since ?? new Map(inherited.map((name) => [name, now]))
    this.#since = new Map([...held].filter(([name]) => paused.includes(name)))
  }

  /** The next read counts as the first one. */
  reset(): void {
    this.#since = null
  }
}
