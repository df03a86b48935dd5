/** What has to be ended, in the order in which it began; ended in the opposite one. */
export class Release implements AsyncDisposable {
  readonly #ends: (() => PromiseLike<void>)[] = []

  /** Hands `part` through, so that beginning and end stand in one line. */
  own<T extends AsyncDisposable>(part: T): T {
    this.#ends.push(() => part[Symbol.asyncDispose]())
    return part
  }

  /** One end that fails keeps no other from running; the first failure is thrown afterwards. */
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
