import type {GroupMemory, Memory} from '../core/verdict/group-memory.ts'
import {highestOf, isVoid, merged} from '../core/verdict/timelines.ts'

/**
 * What a new owner remembers: what the owner before published, and the timelines above it that only the
 * new owner has seen. The published memory wins everywhere else: an operator's `accept` makes it forget
 * what a standby still remembers.
 */
export function recalled(published: Memory, own: Memory): Memory {
  const groups = Object.entries(published.groups).map(([name, group]) => {
    const seen = Object.hasOwn(own.groups, name) ? own.groups[name] : undefined
    return [name, seen === undefined ? group : withHigher(group, seen)] as const
  })
  const others = Object.entries(own.groups).filter(([name]) => !Object.hasOwn(published.groups, name))
  return {...published, groups: Object.fromEntries([...groups, ...others])}
}

function withHigher(published: GroupMemory, own: GroupMemory): GroupMemory {
  const clusters = new Set([published.systemIdentifier, own.systemIdentifier].filter((one) => one !== null))
  if (clusters.size > 1) return published
  const highest = highestOf(published)
  const higher = own.wrote.filter((pair) => pair.timeline > highest && !isVoid(published, pair) && !isVoid(own, pair))
  const [systemIdentifier = null] = clusters
  return {...published, systemIdentifier, ...merged(published, {wrote: higher, voids: []})}
}
