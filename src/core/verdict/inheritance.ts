import {blankMemory, type GroupMemory, noTimelines, type Timelines} from './group-memory.ts'
import {merged} from './timelines.ts'

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
    const [systemIdentifier = null] = clusters
    const rivals = [...new Set(memories.flatMap((memory) => memory.rivals))]
      .filter((rival) => hosts.includes(rival))
      .sort()
    return [
      [
        name,
        {
          ...blankMemory,
          ...memories.reduce<Timelines>(merged, noTimelines),
          systemIdentifier,
          voidStandbys: Object.assign({}, ...memories.map((memory) => memory.voidStandbys)),
          rivals: rivals.length > 1 ? rivals : [],
        },
      ],
    ]
  })
  if (taken.size === 0) return remembered
  return Object.fromEntries([...Object.entries(remembered).filter(([name]) => !taken.has(name)), ...heirs])
}
