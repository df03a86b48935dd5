import type {ActuatorConfig, DesiredActuator} from '../../core/actuator.ts'
import {fallbackOf} from '../../core/offers/fallback.ts'
import type {Clock} from '../../core/ports.ts'
import {pgbouncerActuator} from './actuator.ts'
import type {OpenConsole} from './console.ts'
import {IncludeFiles} from './include-file.ts'

/** An actuator per entry of `pgbouncer`. */
export const desiredPgbouncers = ({openConsole, clock}: Readonly<{openConsole: OpenConsole; clock: Clock}>) => {
  const files = new IncludeFiles()
  return ({pgbouncer, groups, stateDir}: ActuatorConfig): readonly DesiredActuator[] => {
    const fallback = fallbackOf(groups)
    const fallbacks = groups.map(({name, readFallback}) => [name, readFallback])
    return pgbouncer.map((settings) => ({
      key: JSON.stringify(['pgbouncer', settings, fallbacks, stateDir]),
      make: (isFirst) => pgbouncerActuator(settings, {openConsole, fallback, clock, files, isFirst, stateDir}),
    }))
  }
}
