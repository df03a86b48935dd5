import type {GroupSettings, ReadFallback} from '../settings.ts'

/** Which hosts serve the readers of a group when no standby may; `primary` for an unknown group. */
export function fallbackOf(groups: readonly GroupSettings[]): (group: string) => ReadFallback {
  const fallbacks = new Map(groups.map(({name, readFallback}) => [name, readFallback]))
  return (group) => fallbacks.get(group) ?? 'primary'
}
