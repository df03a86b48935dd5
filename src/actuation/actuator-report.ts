import type {Clock} from '../core/ports.ts'
import type {ActuatorState, HeldState} from '../core/snapshot.ts'
import type {Monitor} from '../monitor/monitor.ts'

type Deps = Readonly<{monitor: Pick<Monitor, 'current' | 'reportActuator'>; clock: Clock}>
type Report = Readonly<{
  status: ActuatorState['status']
  problems: readonly string[]
  isVerified: boolean
  held?: HeldState | undefined
}>

/** Reports the state of the actuator `name`. `since` stays while the status stays. */
export function report({monitor, clock}: Deps, name: string, now: Report): void {
  const before = monitor.current().actuators[name]
  const wall = clock.wall()
  monitor.reportActuator(name, {
    status: now.status,
    problems: now.problems,
    since: before?.status === now.status ? before.since : wall,
    verifiedAt: now.isVerified ? wall : (before?.verifiedAt ?? null),
    ...(now.held && {held: now.held}),
  })
}
