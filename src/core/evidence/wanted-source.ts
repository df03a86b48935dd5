import type {MonitorSettings} from '../settings.ts'
import type {EvidenceSource, GroupSource} from './evidence-source.ts'

/**
 * An external source that the settings ask for. `key`: differs where a reload has to make another
 * one; it may hold secrets, and is shown nowhere.
 */
export type WantedSource = Readonly<{key: string; groups: readonly string[]; make: () => EvidenceSource}>

/** One kind of external source: those of this kind that the settings ask for. */
export type SourceKind = (settings: MonitorSettings) => readonly WantedSource[]

/**
 * The sources of all kinds, for the monitor, which calls it at the start and at each reload. A source
 * whose key stays is returned again: it keeps its sessions and what it heard.
 */
export function sourcesOf(kinds: readonly SourceKind[]): (settings: MonitorSettings) => readonly GroupSource[] {
  let made = new Map<string, EvidenceSource>()
  return (settings) => {
    const wanted = kinds.flatMap((kind) => kind(settings))
    const before = made
    made = new Map(wanted.map(({key, make}) => [key, before.get(key) ?? make()]))
    return wanted.map(({key, groups}) => ({source: made.get(key) as EvidenceSource, groups}))
  }
}
