import {OperatorError} from '../core/errors.ts'
import {type GroupView, memberOf} from '../core/facts/group-view.ts'
import {enumerate} from '../core/phrases.ts'
import type {GroupSettings} from '../core/settings.ts'
import {acceptedIn} from '../core/verdict/accepted.ts'
import {blankMemory} from '../core/verdict/group-memory.ts'
import type {Board} from './board.ts'
import {known, type OrderOutcome} from './orders.ts'

/**
 * The operator says that `host` is the primary, and that its cluster is the cluster. Ends a sticky
 * split brain, the doubt of an old timeline, a tie of identities. Two live primaries remain two: the
 * order is refused, with what to do.
 */
export function acceptOrder(host: string, board: Board): OrderOutcome {
  // Judged as of now: an answer that has gone stale since is no ground to accept a host.
  board.current()
  known(host, board)
  const observation = board.record(host)?.observation
  if (observation?.kind !== 'facts')
    throw new OperatorError('HOST_UNAVAILABLE', `${host} does not answer`, 'accept a host that is up')
  const {session, facts} = observation
  if (facts.inRecovery)
    throw new OperatorError('HOST_IS_STANDBY', `${host} is a standby`, 'promote it first, or accept the primary')

  let memory = board.memory
  const overruled: string[] = []
  for (const group of board.groupsOf(host)) {
    const assessment = board.assessment(group)
    const settings = board.settings(group)
    if (!assessment || !settings) continue
    refuse(host, session.systemIdentifier, settings, assessment.view)
    const before = memory.groups[group] ?? blankMemory
    overruled.push(...before.rivals.filter((rival) => rival !== host))
    memory = {
      ...memory,
      groups: {
        ...memory.groups,
        [group]: acceptedIn(before, host, assessment.view),
      },
    }
  }
  const against = overruled.length > 0 ? `; ${enumerate([...new Set(overruled)])} no longer counted as a rival` : ''
  const where = `on timeline ${facts.timeline ?? 'unknown'} of cluster ${session.systemIdentifier ?? 'unknown'}`
  return {memory, done: `${host} is the primary, ${where}${against}`}
}

function refuse(host: string, systemIdentifier: string | null, settings: GroupSettings, view: GroupView): void {
  const condition = memberOf(view, host)?.condition
  if (condition?.role === 'unavailable' && condition.cause !== 'foreign-cluster') {
    throw new OperatorError(
      'HOST_UNAVAILABLE',
      `${host} is unavailable (${condition.cause}: ${condition.detail})`,
      'accept a host that is up',
    )
  }
  // Nothing would be learned from its word, and the tie would stay.
  if (systemIdentifier === null && view.identity.kind === 'tied') {
    throw new OperatorError(
      'IDENTITY_UNKNOWN',
      `${host} does not tell its system identifier, and the other hosts disagree`,
      `grant EXECUTE on pg_control_system(), or set system_identifier of group ${settings.name}`,
    )
  }
  const isOther = systemIdentifier !== null && settings.systemIdentifier !== systemIdentifier
  if (settings.systemIdentifier !== null && isOther) {
    throw new OperatorError(
      'IDENTITY_CONFIGURED',
      `${host} belongs to cluster ${systemIdentifier}, and the configuration says ${settings.systemIdentifier}`,
      `change system_identifier of group ${settings.name}, or take it out`,
    )
  }
  const rivals = view.members
    .filter((member) => member.host !== host && member.condition.role === 'primary')
    .map((member) => member.host)
  if (rivals.length > 0 && view.identity.kind !== 'tied') {
    const [are, rebuilt] = rivals.length === 1 ? ['is', 'it as a standby'] : ['are', 'them as standbys']
    throw new OperatorError(
      'STILL_TWO_PRIMARIES',
      `${enumerate(rivals)} ${are} primary too, right now`,
      `stop ${enumerate(rivals)}, or rebuild ${rebuilt}; then accept ${host}`,
    )
  }
}
