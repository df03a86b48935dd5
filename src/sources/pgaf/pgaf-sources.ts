import type {OpenSql} from '../../core/evidence/sql-session.ts'
import type {SourceKind} from '../../core/evidence/wanted-source.ts'
import type {ConnectionSettings, ProbeSettings} from '../../core/settings.ts'
import {PgafSource, type PgafSourceDeps} from './pgaf-source.ts'

export type PgafDeps = Pick<PgafSourceDeps, 'clock' | 'random' | 'log'> &
  Readonly<{
    /** Opens sessions on a monitor. */
    open: (monitor: ConnectionSettings, probe: ProbeSettings) => OpenSql
  }>

/** One source for each group with `pgaf`. */
export const pgafSources =
  ({open, ...deps}: PgafDeps): SourceKind =>
  ({groups, probe}) =>
    groups.flatMap(({name: group, pgaf: settings}) =>
      settings === null
        ? []
        : [
            {
              key: JSON.stringify(['pgaf', group, settings, probe]),
              groups: [group],
              make: () => new PgafSource({...deps, group, settings, probe, open: open(settings.monitor, probe)}),
            },
          ],
    )
