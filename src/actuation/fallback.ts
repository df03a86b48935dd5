import type {GroupSettings, ReadFallback} from '../core/settings.ts'

/** Whom the readers of a group fall back to. */
export function fallbackOf(groups: readonly GroupSettings[]): (group: string) => ReadFallback {
  const fallbacks = new Map(groups.map(({name, readFallback}) => [name, readFallback]))
  return (group) => fallbacks.get(group) ?? 'primary'
}
