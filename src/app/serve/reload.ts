import type {Config} from '../../config/config.ts'
import type {Log} from '../../core/ports.ts'

type Reloading = Readonly<{
  /** The configuration in force at the start. */
  config: Config
  load: () => Promise<Config>
  /**
   * In order. Each step takes the whole new configuration. When one step refuses it, the steps
   * before get the old configuration back.
   */
  apply: readonly ((config: Config) => Promise<void> | void)[]
  log: Log
  /** Tells the metrics. */
  done: (isSuccessful: boolean) => void
}>

/** Handles SIGHUP: one reload at a time, and a file that cannot be used changes nothing. */
export function reloads({config: first, load, apply, log, done}: Reloading): () => void {
  let running: Promise<void> = Promise.resolve()
  let inForce = first
  const take = async (config: Config) => {
    for (const [index, step] of apply.entries()) {
      try {
        await step(config)
      } catch (error) {
        for (const earlier of apply.slice(0, index)) {
          await Promise.resolve(earlier(inForce)).catch((failure) => {
            log.error(
              {},
              `a part of the refused configuration stays in force (restart the daemon): ${messageOf(failure)}`,
            )
          })
        }
        throw error
      }
    }
    inForce = config
  }
  const reload = async () => {
    try {
      const config = await load()
      await take(config)
      tellWarnings(config, log)
      log.info({config: config.path}, 'configuration reloaded')
      done(true)
    } catch (error) {
      log.error({}, `the configuration was not reloaded, the old one stays in force: ${messageOf(error)}`)
      done(false)
    }
  }
  return () => {
    running = running.then(reload)
  }
}

/** All problems on one line: a log has no paragraphs. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')

export function tellWarnings({warnings}: Config, log: Log): void {
  for (const {path, message, next} of warnings) log.warn({path}, `${path} ${message}. ${next}`)
}
