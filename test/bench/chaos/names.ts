import {writeFileSync} from 'node:fs'

/**
 * The names under which the daemon and HAProxy know the servers. They are in a file that is
 * `/etc/hosts` for these two alone, and can be made to lead to another server.
 */
export class Names {
  readonly #path: string
  /** By name. */
  readonly #addresses: Map<string, string>

  constructor(path: string, addresses: Readonly<Record<string, string>>) {
    this.#path = path
    this.#addresses = new Map(Object.entries(addresses))
    this.#write()
  }

  /** What a command line begins with, so that the program resolves these names. */
  get within(): readonly string[] {
    return ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', this.#path]
  }

  /** The name that leads to this address now. */
  of(address: string): string {
    for (const [name, leadsTo] of this.#addresses) if (leadsTo === address) return name
    throw new Error(`no name leads to ${address}`)
  }

  swap(one: string, other: string): void {
    const [first = '', second = ''] = [this.#addresses.get(one), this.#addresses.get(other)]
    this.#addresses.set(one, second).set(other, first)
    this.#write()
  }

  /** In place: the file that was mounted stays the same one. */
  #write(): void {
    const lines = [...this.#addresses].map(([name, address]) => `${address} ${name}.chaos`)
    writeFileSync(this.#path, `127.0.0.1 localhost\n${lines.join('\n')}\n`)
  }
}
