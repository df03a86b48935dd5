import type {Config} from '../../config/config.ts'
import {noMeter} from '../../core/no-meter.ts'
import {silentLog} from '../../core/silent-log.ts'
import {systemClock} from '../../system/clock.ts'
import {ownVersion} from '../cli/version.ts'
import {compose, type Watching} from './compose.ts'

/**
 * A monitor of this process beside a daemon that may own the memory: it reads `state_dir`, where
 * there is one, and writes nothing. It asks the same sources of evidence as the daemon.
 */
export const composeOnlooker = (config: Config): Promise<Watching> =>
  compose(config, {
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noMeter,
    version: ownVersion(),
    isOnlooker: true,
  })
