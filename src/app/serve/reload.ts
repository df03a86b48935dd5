import type {ListenerKind} from '../../api/listen/socket-activation.ts'
import type {Config} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import type {WireReloadPlan} from '../../protocol/reload-json.ts'
import {refuseOther, sharedPart} from './config-hash.ts'
import type {Loadings} from './loadings.ts'

type Reloading = Loadings &
  Readonly<{
    /** The configuration in force at the start. */
    config: Config
    /**
     * In order. Each step takes the whole new configuration. When one step refuses it, the steps
     * before get the old configuration back.
     */
    apply: readonly ((config: Config) => Promise<void> | void)[]
    /** Sockets that systemd opened. */
    inherited: ReadonlyMap<ListenerKind, number>
    log: Log
    /** Tells the metrics. */
    done: (isSuccessful: boolean) => void
  }>

export type Reloads = Readonly<{
  /** For SIGHUP. A file that cannot be used changes nothing, which the log says. */
  request: () => void
  /** For hosts that were learned and have changed. */
  follow: () => void
  /** What a reload would change now. Rejects with OperatorError where the file cannot be used. */
  plan: () => Promise<WireReloadPlan>
  /**
   * Reloads. `plan`: the name of the plan that was shown; another file is refused since. `refuseLate` is
   * called directly before it, and throws where the sender was told meanwhile that nothing happens.
   * Rejects with OperatorError; the old configuration then stays in force.
   */
  carryOut: (plan: string | null, refuseLate: () => void) => Promise<WireReloadPlan>
}>

/** Reloads follow one another: by SIGHUP, or as an order. */
export function reloads({config: first, load, anew, tried, apply, inherited, log, done}: Reloading): Reloads {
  let running: Promise<unknown> = Promise.resolve()
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
  const reload = async (read: () => Promise<Config>) => {
    try {
      const config = await read()
      await take(config)
      tellWarnings(config, log)
      log.info({config: config.path}, 'configuration reloaded')
      done(true)
    } catch (error) {
      log.error({}, `the configuration was not reloaded, the old one stays in force: ${messageOf(error)}`)
      done(false)
      throw error
    }
  }
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = running.then(task)
    running = turn.catch(() => {})
    return turn
  }
  const planned = async () => {
    const {planReload} = await import('./reload-plan.ts')
    const config = await tried(inForce)
    if (inForce.cluster !== null) refuseOther(sharedPart(inForce), config)
    return {config, plan: planReload(inForce, config, inherited)}
  }
  return {
    request: () => void inTurn(() => reload(() => load(inForce))).catch(() => {}),
    follow: () =>
      void inTurn(async () => {
        const {learned} = inForce
        if (learned !== null) await reload(() => anew(learned))
      }).catch(() => {}),
    plan: () => inTurn(async () => (await planned()).plan),
    carryOut: (asked, refuseLate) =>
      inTurn(async () => {
        const {config, plan} = await planned()
        if (asked !== null && asked !== plan.plan)
          throw new OperatorError(
            'RELOAD_CHANGED',
            'the file, or the configuration in force, has changed since the plan was made; nothing was reloaded',
            'Look at the new plan with "pgroute66 reload --dry-run".',
          )
        refuseLate()
        await reload(async () => config)
        return plan
      }),
  }
}

/** All problems on one line: a log has no paragraphs. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')

export function tellWarnings({warnings}: Config, log: Log): void {
  for (const {path, message, next} of warnings) log.warn({path}, `${path} ${message}. ${next}`)
}
