import {type GroupView, type Member, memberOf} from './group-view.ts'
import type {GroupMemory} from './ports.ts'
import {isSilent} from './words.ts'

/**
 * What the group remembers once this view is taken in (DESIGN 4.1, 4.2): the identity that was learned, the highest timeline ever seen, and the
 * rivals of a split brain that has not ended.
 */
export function recall(memory: GroupMemory, view: GroupView, primaries: readonly Member[]): GroupMemory {
  const {identity} = view
  // While it is open whose cluster this is, a stranger's timeline must not be remembered: it would make our own primary look old for ever.
  const isOurs = identity.kind === 'known'
  const highest = isOurs ? Math.max(memory.highestTimeline ?? 0, ...view.members.map(({timeline}) => timeline ?? 0)) : 0
  return {
    ...memory,
    systemIdentifier: isOurs ? identity.systemIdentifier : memory.systemIdentifier,
    highestTimeline: highest > 0 ? highest : memory.highestTimeline,
    rivals: rivalsOf(memory.rivals, view, primaries),
  }
}

/**
 * V1 sticks: a rival that merely fell silent may still be writing. It is out once it is seen as a standby, refuses connections, or proves to be no
 * member at all; the split brain is over when fewer than two are left.
 */
function rivalsOf(before: readonly string[], view: GroupView, primaries: readonly Member[]): readonly string[] {
  const lingering = before.filter((host) => {
    const member = memberOf(view, host)
    return member !== null && member.standing.role === 'unavailable' && isSilent(member.standing.cause)
  })
  const rivals = [...new Set([...primaries.map(({host}) => host), ...lingering])].sort()
  return rivals.length > 1 ? rivals : []
}
