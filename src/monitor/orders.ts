import {OperatorError} from '../core/errors.ts'
import type {Who} from '../core/ports.ts'
import {unknownNameError} from '../core/unknown-name.ts'
import type {Memory} from '../core/verdict/group-memory.ts'
import type {Board} from './board.ts'

/** What is remembered once an order is carried out, and what was done, in words. */
export type OrderOutcome = Readonly<{memory: Memory; done: string}>

/**
 * Out of rotation, and no word about its role: it goes on as what it is. A second drain keeps the time,
 * the author and the reason of the first: the host may need them still when the second author is done.
 */
export function drainOrder(host: string, {by, reason}: Who, board: Board, wall: number): OrderOutcome {
  known(host, board)
  const {drains} = board.memory
  const earlier = drains[host]
  if (earlier !== undefined) {
    const words = earlier.reason === null ? '' : `: ${earlier.reason}`
    return {memory: board.memory, done: `${host} is drained already, by ${earlier.by}${words}`}
  }
  const isRouted = Object.values(board.current().groups).some(({verdict}) => verdict.routedTo === host)
  const effect = isRouted ? '. Writes stop until you resume it or another host becomes primary' : ''
  return {
    memory: {...board.memory, drains: {...drains, [host]: {since: Math.trunc(wall), by, reason}}},
    done: `${host} is drained: routers no longer get it${effect}`,
  }
}

export function resumeOrder(host: string, board: Board): OrderOutcome {
  const {[host]: drain, ...drains} = board.memory.drains
  // A drain of a host that has left the configuration may be lifted too.
  if (drain === undefined) known(host, board)
  return {
    memory: {...board.memory, drains},
    done: drain === undefined ? `${host} was not drained` : `${host} is in rotation again`,
  }
}

export function maintenanceOrder(
  {isOn, untilMs}: {isOn: boolean; untilMs: number | null},
  {by, reason}: Who,
  board: Board,
  wall: number,
): OrderOutcome {
  const {memory} = board
  if (!isOn) {
    const done =
      memory.maintenance === null ? 'there was no maintenance' : 'maintenance is over: every router is told again'
    return {memory: {...memory, maintenance: null}, done}
  }
  if (untilMs !== null && untilMs <= wall)
    throw new OperatorError(
      'MAINTENANCE_OVER',
      'the end of the maintenance has passed',
      'Name a time to come, or a duration.',
    )
  const since = memory.maintenance?.since ?? Math.trunc(wall)
  const until = untilMs === null ? null : Math.trunc(untilMs)
  const end = until === null ? 'until "pgroute66 maintenance off"' : `until ${new Date(until).toISOString()}`
  return {
    memory: {...memory, maintenance: {since, by, reason, until}},
    done: `every router stays as it is, whatever happens to the hosts, ${end}`,
  }
}

/** Throws OperatorError where the configuration has no such host. */
export function known(host: string, board: Board): void {
  if (board.record(host) !== undefined) return
  const names = board.records().map(({settings}) => settings.name)
  throw unknownNameError('host', host, names)
}
