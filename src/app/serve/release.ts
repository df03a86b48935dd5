/** The parts that were started, in order. They end in the opposite order. */
export class Release implements AsyncDisposable {
  readonly #ends: (() => PromiseLike<void>)[] = []

  /** Returns `part`, so that one line starts a part and says that it will be ended. */
  own<T extends AsyncDisposable>(part: T): T {
    this.#ends.push(() => part[Symbol.asyncDispose]())
    return part
  }

  /** Ends every part, also after one has failed; then throws the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
