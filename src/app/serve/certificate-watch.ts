import {configuredCertificates} from '../../config/certificates.ts'
import type {Config, Pem} from '../../config/config.ts'
import type {Clock, Log} from '../../core/ports.ts'
import {certificatesIn} from '../../system/pem-certificates.ts'
import {readPlainFile} from '../../system/plain-file.ts'

const lookMs = 60_000
/** A certificate that ends sooner is told in the log, once; `config check` warns at the same time. */
const soonMs = 14 * 24 * 3_600_000

export type CertificateWatchDeps = Readonly<{
  clock: Clock
  log: Log
  /** By path in the configuration: milliseconds since 1970. */
  tell: (ends: ReadonlyMap<string, number>) => void
}>

/**
 * Tells the metrics when the daemon's own certificates end, those that it shows as a server and those that it
 * shows as a client. It reads their files once a minute, because tools replace them.
 */
export class CertificateWatch implements AsyncDisposable {
  readonly #deps: CertificateWatchDeps
  #config: Config
  #cancel: () => void = () => {}
  #looking: Promise<void> = Promise.resolve()
  /** Path → the end that the log has told. */
  #logged: ReadonlyMap<string, number> = new Map()

  constructor(config: Config, deps: CertificateWatchDeps) {
    this.#deps = deps
    this.#config = config
    this.applyConfig(config)
  }

  applyConfig(config: Config): void {
    this.#config = config
    this.#cancel()
    this.#looking = this.#looking.then(() => this.#look())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looking
    this.#cancel()
  }

  async #look(): Promise<void> {
    const own = configuredCertificates(this.#config).filter(({use}) => use !== 'authorities')
    if (own.length === 0) return this.#deps.tell(new Map())
    const found = await Promise.all(own.map(async ({path, pem}) => [path, await endOf(pem)] as const))
    const ends = new Map(found.flatMap(([path, end]) => (end === null ? [] : [[path, end] as const])))
    this.#deps.tell(ends)
    this.#logEnding(ends)
    this.#cancel = this.#deps.clock.after(lookMs, () => {
      this.#looking = this.#look()
    })
  }

  #logEnding(ends: ReadonlyMap<string, number>): void {
    const {clock, log} = this.#deps
    const ending = [...ends].filter(([, end]) => end - clock.wall() < soonMs)
    for (const [path, end] of ending) {
      if (this.#logged.get(path) === end) continue
      const verb = end < clock.wall() ? 'expired on' : 'expires on'
      log.warn({path}, `the certificate of ${path} ${verb} ${new Date(end).toISOString()}. Renew the certificate.`)
    }
    this.#logged = new Map(ending)
  }
}

/** `null`: the file cannot be read now, or holds no certificate. The connection that needs it reports that. */
async function endOf(pem: Pem): Promise<number | null> {
  try {
    const text = 'pem' in pem ? pem.pem : (await readPlainFile(pem.file)).toString('utf8')
    return certificatesIn(text)[0]?.validToDate.getTime() ?? null
  } catch {
    return null
  }
}
