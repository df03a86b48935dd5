import type {Log} from '../ports.ts'
import type {Snapshot} from '../snapshot.ts'
import {addressKey} from './address-key.ts'
import {findServer} from './server-lookup.ts'
import {placeText, type ServerName} from './server-name.ts'

/** A server that was taken for `host` by its name alone, because its address is no host's. */
export type UnknownAddress = Readonly<{host: string; address: string; port: number | null}>

/** Told of each such server by the API, the agent and the push, each time that they see it. */
export type NamedOnly = (server: ServerName, host: string) => void

/** Addresses come from outside: later ones are counted, and neither logged nor listed. */
const mostKept = 1_000

export type UnknownAddressesDeps = Readonly<{log: Pick<Log, 'warn'>; count: (host: string) => void}>

/**
 * The addresses of no host (NAT, a service network, a pooler): counted each time, logged once per
 * host and address, and kept for `config check --connect`.
 */
export class UnknownAddresses {
  readonly #deps: UnknownAddressesDeps
  readonly #kept = new Map<string, UnknownAddress>()

  constructor(deps: UnknownAddressesDeps) {
    this.#deps = deps
  }

  readonly note: NamedOnly = ({address, port}, host) => {
    if (address === null) return
    this.#deps.count(host)
    const key = `${host} ${addressKey(address)} ${port}`
    if (this.#kept.has(key) || this.#kept.size >= mostKept) return
    const found = {host, address, port}
    this.#kept.set(key, found)
    this.#deps.log.warn(
      {host, address, port},
      `a load balancer has ${host} at ${whereOf(found)}, an address of no host: the name alone decides. ` +
        `If it leads to ${host}, add it to the aliases of ${host}`,
    )
  }

  /** Those that are unknown to this snapshot still: a reload may have brought an alias. */
  list(snapshot: Snapshot): readonly UnknownAddress[] {
    return [...this.#kept.values()].filter(({host, address, port}) => {
      const found = findServer({name: host, address, port}, snapshot)
      return found.kind === 'host' && !found.isAddressKnown
    })
  }
}

const whereOf = ({address, port}: UnknownAddress): string => (port === null ? address : placeText(address, port))
