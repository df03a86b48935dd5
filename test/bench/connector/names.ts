import dns from 'node:dns'
import {syncBuiltinESMExports} from 'node:module'

/**
 * Names that this process alone can resolve, and that can be made to lead elsewhere. The resolver
 * of the system is asked for every other name.
 */
export class Names implements Disposable {
  readonly #addresses = new Map<string, string>()
  readonly #lookup = dns.lookup
  readonly #promised = dns.promises.lookup

  constructor() {
    const known = (name: string) => this.#addresses.get(name)
    const [lookup, promised] = [this.#lookup, this.#promised]
    type Found = (error: Error | null, address: unknown, family?: number) => void
    const found = (name: string, options: {all?: boolean}, done: Found) => {
      const address = known(name)
      if (address === undefined) return Reflect.apply(lookup, dns, [name, options, done])
      process.nextTick(() => (options.all === true ? done(null, [{address, family: 4}]) : done(null, address, 4)))
    }
    dns.lookup = found as unknown as typeof dns.lookup
    dns.promises.lookup = (async (name: string, options: {all?: boolean}) => {
      const address = known(name)
      if (address === undefined) return promised(name, options)
      return options?.all === true ? [{address, family: 4}] : {address, family: 4}
    }) as typeof dns.promises.lookup
    syncBuiltinESMExports()
  }

  lead(name: string, address: string): void {
    this.#addresses.set(name, address)
  }

  [Symbol.dispose](): void {
    dns.lookup = this.#lookup
    dns.promises.lookup = this.#promised
    syncBuiltinESMExports()
  }
}
