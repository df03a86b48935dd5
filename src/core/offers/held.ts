import type {Hold, Snapshot} from '../snapshot.ts'

/**
 * The hold that is in force for this group: its writers wait. It ends by itself once another host is
 * routed to, because routers then follow the verdict as in any switch.
 */
export function holdOn({hold, groups}: Snapshot, group: string): Hold | null {
  if (!hold || hold.group !== group) return null
  const routed = groups[group]?.verdict.routedTo ?? null
  return routed === null || routed === hold.from ? hold : null
}
