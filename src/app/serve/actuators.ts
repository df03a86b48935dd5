import {AgentPort} from '../../actuation/agent-port.ts'
import {Hooks} from '../../actuation/hooks.ts'
import {type ActuationDeps, Routers} from '../../actuation/routers.ts'
import {desiredHaproxies} from '../../actuators/haproxy/desired.ts'
import {consoleOver} from '../../actuators/pgbouncer/console.ts'
import {desiredPgbouncers} from '../../actuators/pgbouncer/desired.ts'
import type {DesiredActuators} from '../../core/actuator.ts'
import type {NamedOnly} from '../../core/offers/unknown-addresses.ts'
import type {Clock} from '../../core/ports.ts'
import type {RouterSource} from '../../core/router.ts'
import {connectionOpener} from '../../sources/pg/connection.ts'
import type {Release} from './release.ts'

/** The routers that `serve` keeps in step with the verdict. A new kind is one line here. */
const routerKinds = (clock: Clock, namedOnly: NamedOnly): readonly DesiredActuators[] => [
  desiredHaproxies(namedOnly),
  desiredPgbouncers({openConsole: consoleOver(connectionOpener(clock)), clock}),
]

export type Actuation = Readonly<{
  agent: AgentPort
  routers: Routers
  hooks: Hooks
  /** What the routers showed when they were last read. */
  shown: RouterSource['routers']
}>

/** `own`: what hooks hear of. In a set, each hears of a group from its owner alone. */
export type ServeActuationDeps = ActuationDeps & Readonly<{namedOnly: NamedOnly; own: ActuationDeps['monitor']}>

/**
 * The parts that act on the verdict, not yet configured: `serve` applies the first configuration,
 * and each reload the next. `release` ends the parts in the opposite order.
 */
export function actuationOf(deps: ServeActuationDeps, release: Release): Actuation {
  const agent = release.own(new AgentPort({...deps, source: deps.monitor}))
  const hooks = release.own(new Hooks({...deps, monitor: deps.own}))
  const routers = release.own(new Routers({...deps, kinds: routerKinds(deps.clock, deps.namedOnly)}))
  return {agent, routers, hooks, shown: () => [routers, agent, hooks].flatMap((part) => part.routers())}
}
