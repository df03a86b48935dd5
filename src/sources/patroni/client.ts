import {OperatorError} from '../../core/errors.ts'
import type {Clock} from '../../core/ports.ts'
import type {PatroniSettings} from '../../core/settings.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import {readFile} from '../../system/files.ts'

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
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(read))
    const transport = new Transport({tls: {ca, cert, key}, clock: this.#clock})
    return (url) => new PatroniMember(url, transport)
  }
}

async function read(file: string | null): Promise<string | undefined> {
  if (file === null) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    const next = 'Give the user that runs pgroute66 the right to read it.'
    throw new OperatorError('CONFIG_PEM', `${file} cannot be read (${code})`, next, {cause})
  }
}
