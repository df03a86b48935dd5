import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {isSilent} from '../vocabulary.ts'
import {blankMemory, type GroupMemory} from './group-memory.ts'

/**
 * What the group remembers once this view is taken in (DESIGN 4.1, 4.2): the identity that was
 * learned, the highest timeline ever seen, and the rivals of a split brain that has not ended.
 */
export function remember(memory: GroupMemory, view: GroupView, primaries: readonly Member[]): GroupMemory {
  const {identity} = view
  if (
    identity.kind === 'known' &&
    memory.systemIdentifier !== null &&
    memory.systemIdentifier !== identity.systemIdentifier
  ) {
    // Another cluster lives here now (the configuration says so): timelines and rivals of the old
    // one are not its past.
    return remember({...blankMemory, systemIdentifier: identity.systemIdentifier}, view, primaries)
  }
  // While it is open whose cluster this is, a stranger's timeline would make our own primary look
  // old for ever: each cluster has its own then.
  const isOurs = identity.kind === 'known'
  const {unproven = {}, ...proven} = memory
  const seen = isOurs ? {} : timelinesOf(unproven, view)
  const before = Math.max(memory.highestTimeline ?? 0, isOurs ? (unproven[identity.systemIdentifier] ?? 0) : 0)
  const highest = isOurs ? Math.max(before, ...view.members.map(({timeline}) => timeline ?? 0)) : 0
  return {
    ...proven,
    ...(Object.keys(seen).length > 0 && {unproven: seen}),
    hosts: view.members.map(({host}) => host),
    systemIdentifier: isOurs ? identity.systemIdentifier : memory.systemIdentifier,
    highestTimeline: highest > 0 ? highest : memory.highestTimeline,
    rivals: rivalsOf(memory.rivals, view, primaries),
    // The operator spoke of the hosts as they were. Another primary since then may be the
    // successor, on a timeline of the very number that was overruled.
    accepted: primaries.some(({host}) => host !== memory.accepted?.host) ? null : memory.accepted,
  }
}

/** The highest timeline of each cluster that answers here. */
function timelinesOf(before: Readonly<Record<string, number>>, {members}: GroupView): Readonly<Record<string, number>> {
  const highest = {...before}
  for (const {record, timeline} of members) {
    const cluster = factsOf(record)?.session.systemIdentifier
    if (cluster !== undefined && timeline !== null) highest[cluster] = Math.max(highest[cluster] ?? 0, timeline)
  }
  return highest
}

/**
 * V1 sticks: a rival that merely fell silent may still be writing. It is out once it is seen as a
 * standby, refuses connections, or proves to be no member at all; the split brain is over when
 * fewer than two are left. It takes two that were primary beside each other: the last answer of a
 * primary that hung before its successor was promoted is still in sight, and proves nothing about
 * now.
 */
function rivalsOf(before: readonly string[], view: GroupView, primaries: readonly Member[]): readonly string[] {
  const lingering = before.filter((host) => {
    const condition = memberOf(view, host)?.condition
    // Not asked yet - after a restart, a reload - is silence too.
    return condition?.role === 'unavailable' && (condition.cause === null || isSilent(condition.cause))
  })
  const met =
    lingering.length > 0
      ? primaries
      : primaries.filter((one) => primaries.some((other) => other !== one && wereTogether(one, other)))
  const rivals = [...new Set([...met.map(({host}) => host), ...lingering])].sort()
  return rivals.length > 1 ? rivals : []
}

/** Each was asked, and answered as primary, after the other had been asked and did. */
const wereTogether = (one: Member, other: Member): boolean => isAfter(one, other) && isAfter(other, one)
const isAfter = ({askedAt}: Member, {record: {primarySince}}: Member): boolean =>
  primarySince === null || (askedAt !== null && askedAt >= primarySince)

type Named = Readonly<{name: string; hosts: readonly string[]}>

/**
 * A group of a new name takes over what is remembered of groups that are no more and had hosts of
 * its: a split brain does not end by a rename, and no old primary becomes a young one. The rivals
 * are those that it still has. What two different clusters left is no inheritance.
 */
export function inherit(
  remembered: Readonly<Record<string, GroupMemory>>,
  groups: readonly Named[],
): Readonly<Record<string, GroupMemory>> {
  const orphans = Object.entries(remembered).filter(([name]) => groups.every((group) => group.name !== name))
  const taken = new Set<string>()
  const heirs = groups.flatMap(({name, hosts}): [string, GroupMemory][] => {
    if (Object.hasOwn(remembered, name)) return []
    const parents = orphans.filter(([, memory]) => memory.hosts?.some((host) => hosts.includes(host)))
    const memories = parents.map(([, memory]) => memory)
    const clusters = new Set(memories.flatMap(({systemIdentifier}) => systemIdentifier ?? []))
    if (memories.length === 0 || clusters.size > 1) return []
    for (const [parent] of parents) taken.add(parent)
    const highest = Math.max(...memories.map(({highestTimeline}) => highestTimeline ?? 0))
    const [systemIdentifier = null] = clusters
    const rivals = [...new Set(memories.flatMap((memory) => memory.rivals))]
      .filter((rival) => hosts.includes(rival))
      .sort()
    return [
      [
        name,
        {...blankMemory, systemIdentifier, highestTimeline: highest || null, rivals: rivals.length > 1 ? rivals : []},
      ],
    ]
  })
  if (taken.size === 0) return remembered
  return Object.fromEntries([...Object.entries(remembered).filter(([name]) => !taken.has(name)), ...heirs])
}
