import type {OpenSql} from '../../core/evidence/sql-session.ts'
import type {SourceKind} from '../../core/evidence/wanted-source.ts'
import type {HostSettings, ProbeSettings} from '../../core/settings.ts'
import {RepmgrSource, type RepmgrSourceDeps} from './repmgr-source.ts'

export type RepmgrDeps = Pick<RepmgrSourceDeps, 'clock' | 'random' | 'log' | 'tables'> &
  Readonly<{
    /** Opens sessions in the database `dbname` of a host. */
    open: (host: HostSettings, dbname: string, probe: ProbeSettings) => OpenSql
  }>

/** One source for each group with `repmgr`. */
export const repmgrSources =
  ({open, ...deps}: RepmgrDeps): SourceKind =>
  ({hosts: all, groups, probe, followers}) =>
    groups.flatMap(({name: group, hosts: names, repmgr: settings}) => {
      if (settings === null) return []
      const hosts = all.filter(({name}) => names.includes(name))
      const own = {group, hosts, settings, probe, followersMaxAgeMs: followers.maxAgeMs}
      const openOn = (host: HostSettings) => open(host, settings.dbname, probe)
      return [
        {
          key: JSON.stringify(['repmgr', own]),
          groups: [group],
          make: () => new RepmgrSource({...deps, ...own, open: openOn}),
        },
      ]
    })
