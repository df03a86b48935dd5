import type {SourceKind} from '../../core/evidence/wanted-source.ts'
import {PatroniSource, type PatroniSourceDeps} from './patroni-source.ts'

/** One source for each group with `patroni`. */
export const patroniSources =
  (deps: Pick<PatroniSourceDeps, 'clock' | 'random' | 'log'>): SourceKind =>
  ({groups, probe}) =>
    groups.flatMap((group) => {
      const {name, onSilent, failoverAfterMs, patroni: settings} = group
      if (settings === null) return []
      const own = {group: {name, onSilent, failoverAfterMs}, settings, probe}
      return [
        {
          key: JSON.stringify(['patroni', own]),
          groups: [name],
          make: () => new PatroniSource({...deps, ...own}),
        },
      ]
    })
