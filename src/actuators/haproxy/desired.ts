import type {DesiredActuators} from '../../core/actuator.ts'
import {fallbackOf} from '../../core/offers/fallback.ts'
import type {NamedOnly} from '../../core/offers/unknown-addresses.ts'
import {haproxyActuator} from './actuator.ts'

/** An actuator per `haproxy.instances`. `namedOnly`: told of each server at an address of no host. */
export const desiredHaproxies =
  (namedOnly: NamedOnly): DesiredActuators =>
  ({haproxy, groups, stateDir}) => {
    const fallback = fallbackOf(groups)
    const fallbacks = groups.map(({name, readFallback}) => [name, readFallback])
    return haproxy.instances.map((instance) => ({
      key: JSON.stringify(['haproxy', instance, fallbacks, haproxy.frontends, stateDir]),
      make: () =>
        haproxyActuator(
          instance,
          {backends: instance.backends, fallback, frontends: haproxy.frontends, stateDir},
          namedOnly,
        ),
    }))
  }
