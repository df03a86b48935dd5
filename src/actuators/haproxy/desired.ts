import type {ActuatorConfig, DesiredActuator} from '../../core/actuator.ts'
import {fallbackOf} from '../../core/offers/fallback.ts'
import {haproxyActuator} from './actuator.ts'

/** An actuator per `haproxy.instances`. */
export function desiredHaproxies({haproxy, groups}: ActuatorConfig): readonly DesiredActuator[] {
  const fallback = fallbackOf(groups)
  const fallbacks = groups.map(({name, readFallback}) => [name, readFallback])
  return haproxy.instances.map((instance) => ({
    key: JSON.stringify(['haproxy', instance, fallbacks]),
    make: () => haproxyActuator(instance, {backends: instance.backends, fallback}),
  }))
}
