import type {Config} from '../../config/config.ts'
import type {Learned} from '../../config/learning/learned.ts'
import {type Asked, fromFile, loadConfig, type Trial} from '../../config/load.ts'

/** The ways to a configuration. `inForce`: what the daemon holds already. */
export type Loadings = Readonly<{
  /** At the start (`null`) and for SIGHUP: hosts that were learned stay. */
  load: (inForce: Config | null) => Promise<Config>
  /** The file as it was read, with Patroni's members as they are now: later edits wait for a reload. */
  anew: (learned: Learned) => Promise<Config>
  /**
   * Tries what the file asks for, as `config check` does. Hosts that Patroni no longer lists are given up
   * here alone: an operator sees in the plan which ones go.
   */
  tried: (inForce: Config) => Promise<Config>
}>

/** `finish`: what the daemon adds to each. */
export const loadings = (asked: Asked, finish: (config: Config) => Config): Loadings => ({
  load: async (inForce) => finish(await loadConfig({...asked, learning: 'anew', before: inForce?.learned})),
  anew: async (learned) => finish(await fromFile(learned.file, asked.env, {learning: 'anew', before: learned})),
  tried: async (inForce) => {
    const {startTrial} = await import('./trial/start-trial.ts')
    const trial: Trial = (next, refused) => startTrial(next, refused, inForce)
    return finish(await loadConfig({...asked, trial, learning: 'told', before: inForce.learned}))
  },
})
