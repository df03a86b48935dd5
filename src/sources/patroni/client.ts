import type {Clock} from '../../core/ports.ts'
import type {PatroniSettings} from '../../core/settings.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import {textIn} from '../../system/configured-file.ts'

/** A request waits for as long as its connection is alive: a member that is gone must not keep it. */
const liveness = {connectMs: 3_000, keepAliveMs: 5_000}

/** Members by their URL, all with the certificates of the settings. */
export class Members {
  readonly #settings: PatroniSettings
  readonly #clock: Clock
  #open: Promise<(url: string) => PatroniMember> | null = null

  constructor(settings: PatroniSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Rejects where a certificate cannot be read; the next call tries again. */
  async at(url: string): Promise<PatroniMember> {
    this.#open ??= this.#load()
    try {
      return (await this.#open)(url)
    } catch (error) {
      this.#open = null
      throw error
    }
  }

  /** Reads the certificates again at the next question: they may have been renewed. */
  renew(): void {
    this.#open = null
  }

  /** The HTTP client is loaded where a group has Patroni, and only then. */
  async #load(): Promise<(url: string) => PatroniMember> {
    const [{PatroniMember}, {Transport}] = await Promise.all([
      import('../../patroni/member.ts'),
      import('../../patroni/transport.ts'),
    ])
    const {caFile, certFile, keyFile} = this.#settings
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map((file) => textIn(file)))
    const transport = new Transport({tls: {ca, cert, key}, clock: this.#clock, liveness})
    return (url) => new PatroniMember(url, transport)
  }
}
