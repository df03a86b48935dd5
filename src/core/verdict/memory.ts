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
    // The configuration names another cluster now. Timelines and rivals of the old one are not its
    // past.
    return remember({...blankMemory, systemIdentifier: identity.systemIdentifier}, view, primaries)
  }
  // While the group's cluster is unknown, the timeline of a foreign host would make the right
  // primary look old for ever. Each cluster therefore has its own highest timeline.
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
    // The operator decided about the hosts as they were. Another primary since then may be the
    // successor, on a timeline with the same number as the overruled one.
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
 * V1 sticks: a rival that merely fell silent may still accept writes. A host stops being a rival
 * once it is seen as a standby, refuses connections, or proves to be of another cluster or a
 * duplicate. The split brain ends when fewer than two rivals are left. It starts only with two
 * hosts that were primary at overlapping times: the last answer of a primary that hung before its
 * successor was promoted may still be fresh, and proves nothing about now.
 */
function rivalsOf(before: readonly string[], view: GroupView, primaries: readonly Member[]): readonly string[] {
  const lingering = before.filter((host) => {
    const condition = memberOf(view, host)?.condition
    // A host that was not asked yet, after a restart or a reload, counts as silent too.
    return condition?.role === 'unavailable' && (condition.cause === null || isSilent(condition.cause))
  })
  const met =
    lingering.length > 0
      ? primaries
      : primaries.filter((one) => primaries.some((other) => other !== one && wereOverlapping(one, other)))
  const rivals = [...new Set([...met.map(({host}) => host), ...lingering])].sort()
  return rivals.length > 1 ? rivals : []
}

/** Each was asked, and answered as primary, after the other had been asked and had answered so. */
const wereOverlapping = (one: Member, other: Member): boolean => isAfter(one, other) && isAfter(other, one)
const isAfter = ({askedAt}: Member, {record: {primarySince}}: Member): boolean =>
  primarySince === null || (askedAt !== null && askedAt >= primarySince)

type Named = Readonly<{name: string; hosts: readonly string[]}>

/**
 * A group with a new name inherits the memory of removed groups that had some of its hosts. A
 * rename must not end a split brain, nor make an old primary look new. Only rivals that are in the
 * new group remain. Memories of two different clusters are not merged.
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
