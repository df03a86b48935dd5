import {OperatorError} from '../core/errors.ts'
import {blankMemory, type Memory} from '../core/ports.ts'
import {enumerate} from '../core/sentence.ts'
import type {Board} from './board.ts'

/**
 * The operator's word: `host` is the primary, and its cluster is the cluster. Ends a sticky split brain, an old timeline, a tie of identities.
 * It cannot make two live primaries one: that is refused, with what to do.
 */
export function accepted(host: string, board: Board): Readonly<{memory: Memory; done: string}> {
  const observation = board.record(host)?.observation
  if (observation === undefined) throw new OperatorError('UNKNOWN_HOST', `there is no host "${host}"`, 'name a host of the configuration')
  if (observation?.kind !== 'facts') throw new OperatorError('HOST_UNAVAILABLE', `${host} does not answer`, 'accept a host that is up')
  const {session, facts} = observation
  if (facts.inRecovery) throw new OperatorError('HOST_IS_STANDBY', `${host} is a standby`, 'promote it first, or accept the primary')

  let memory = board.memory
  const overruled: string[] = []
  for (const group of board.groupsOf(host)) {
    const assessment = board.assessment(group)
    if (!assessment || !board.settings(group)?.name) continue
    const rivals = assessment.view.members
      .filter((member) => member.host !== host && member.standing.role === 'primary')
      .map((member) => member.host)
    const isTied = assessment.view.identity.kind === 'tied'
    if (rivals.length > 0 && !isTied) {
      throw new OperatorError(
        'STILL_TWO_PRIMARIES',
        `${enumerate(rivals)} ${rivals.length === 1 ? 'is' : 'are'} primary too, right now`,
        `stop ${enumerate(rivals)}, or rebuild as a standby; then accept ${host}`,
      )
    }
    const before = memory.groups[group] ?? blankMemory
    const timelines = [before.highestTimeline ?? 0, ...assessment.view.members.map(({timeline}) => timeline ?? 0)]
    const overrules = Math.max(...timelines)
    const isOld = facts.timeline !== null && overrules > facts.timeline
    overruled.push(...before.rivals.filter((rival) => rival !== host))
    memory = {
      ...memory,
      groups: {
        ...memory.groups,
        [group]: {
          systemIdentifier: session.systemIdentifier,
          highestTimeline: facts.timeline === null ? before.highestTimeline : Math.max(facts.timeline, isTied ? 0 : overrules),
          rivals: [],
          accepted: isOld && facts.timeline !== null ? {host, timeline: facts.timeline, overrules} : null,
        },
      },
    }
  }
  const against = overruled.length > 0 ? `; ${enumerate([...new Set(overruled)])} no longer counted as a rival` : ''
  return {
    memory,
    done: `${host} is the primary, on timeline ${facts.timeline ?? 'unknown'} of cluster ${session.systemIdentifier}${against}`,
  }
}
