import type {Config} from '../config/config.ts'
import type {Log} from '../core/ports.ts'

type Reloading = Readonly<{
  load: () => Promise<Config>
  /** In order. Each takes the whole new configuration. */
  apply: readonly ((config: Config) => Promise<void> | void)[]
  log: Log
  /** For the metrics. */
  done: (isSuccessful: boolean) => void
}>

/** What SIGHUP does: one reload at a time, and a file that cannot be used changes nothing. */
export function reloads({load, apply, log, done}: Reloading): () => void {
  let running: Promise<void> = Promise.resolve()
  const reload = async () => {
    try {
      const config = await load()
      for (const take of apply) await take(config)
      tellWarnings(config, log)
      log.info({config: config.path}, 'configuration reloaded')
      done(true)
    } catch (error) {
      // All that is wrong, on one line: a log has no paragraphs.
      const why = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')
      log.error({}, `the configuration was not reloaded, what was in force stays in force: ${why}`)
      done(false)
    }
  }
  return () => {
    running = running.then(reload)
  }
}

export function tellWarnings({warnings}: Config, log: Log): void {
  for (const {path, message, next} of warnings) log.warn({path}, `${path} ${message}. ${next}`)
}
