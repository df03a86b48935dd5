import {putBackHaproxy} from '../../actuators/haproxy/put-back.ts'
import {consoleOver} from '../../actuators/pgbouncer/console.ts'
import {putBackPgbouncer} from '../../actuators/pgbouncer/put-back.ts'
import type {Config} from '../../config/config.ts'
import {deadline} from '../../core/wait.ts'
import {connectionOpener} from '../../sources/pg/connection.ts'
import {systemClock} from '../../system/clock.ts'

const limitMs = 5_000

/**
 * The daemon is gone in the middle of a switch: what it has held is written in its state_dir, and this
 * command lets the clients go on. Resolves to what was done, in words; never rejects.
 */
export async function rescue(config: Config | null): Promise<string> {
  if (config === null) return 'without the configuration this command cannot let clients go on: start the daemon again'
  using limit = deadline(systemClock, limitMs)
  const {haproxy, pgbouncer, stateDir} = config
  const openConsole = consoleOver(connectionOpener(systemClock))
  const done = await Promise.all([
    ...haproxy.instances.map((instance) => putBackHaproxy(instance, stateDir, limit.signal)),
    ...pgbouncer.map((settings) => putBackPgbouncer(settings, {openConsole, stateDir}, limit.signal)),
  ])
  return done.flat().join('; ') || 'no router was held'
}
