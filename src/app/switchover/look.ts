import type {Progress} from './daemon.ts'
import type {Seen} from './phase.ts'

/** What one answer of the daemon says. `open`: what clients still have open, for the operator. */
export type Looked = Pick<Seen, 'hold' | 'route' | 'isInStep'> &
  Readonly<{routedTo: string | null; why: string; open: readonly string[]}>

const isRouter = (name: string) => /^(haproxy|pgbouncer) /.test(name)

/** `progress` null: the daemon is silent. `before`: the look before, whose route is kept then. */
export function lookAt(progress: Progress | 'ended' | null, from: string, before: Looked): Looked {
  if (progress === null) return {...before, hold: 'silent', isInStep: false}
  if (progress === 'ended') return {...before, hold: 'ended', isInStep: false}
  const {hold, maintenance, verdict, actuators} = progress
  const routedTo = verdict?.routed_to ?? null
  const routers = Object.entries(actuators).filter(([name]) => isRouter(name))
  const states = routers.map(([, {held}]) => held?.status ?? null)
  const isOver = hold === null || maintenance
  const unreached = isOver ? [] : ['it was not reached since the hold began']
  const open = routers.flatMap(([name, {held}]) => (held?.why ?? unreached).map((why) => `${name}: ${why}`))
  return {
    hold: isOver ? 'ended' : holdOf(states),
    route: routedTo === from ? 'from' : routedTo === null ? 'none' : 'other',
    isInStep: routers.every(([, {status, held}]) => status === 'in-sync' && held === null),
    routedTo,
    why: verdict?.why ?? '',
    open: states.every((state) => state === 'unconcerned') ? [noRouter] : open,
  }
}

const noRouter = 'no router of this group can make clients wait: configure haproxy.instances or pgbouncer'

/** `null`: the router was not reached since the hold began. */
function holdOf(states: readonly (string | null)[]): Seen['hold'] {
  if (states.includes('impossible')) return 'impossible'
  if (states.every((state) => state === 'unconcerned')) return 'impossible'
  return states.every((state) => state === 'held' || state === 'unconcerned') ? 'held' : 'open'
}
