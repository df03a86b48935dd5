import {sourcesOf} from '../../core/evidence/wanted-source.ts'
import type {MonitorSettings} from '../../core/settings.ts'
import {silentLog} from '../../core/silent-log.ts'
import type {SourcesFor} from '../../monitor/evidence-desk.ts'
import {systemClock} from '../../system/clock.ts'

/**
 * The external sources of a check without a daemon. Their code is loaded where the configuration has
 * one: no other check pays for it. `null`: it has none.
 */
export async function externalEvidence({groups}: MonitorSettings): Promise<SourcesFor | null> {
  if (groups.every(({repmgr, patroni}) => repmgr === null && patroni === null)) return null
  const [{connectionsByHost, sideSessions}, {repmgrSources}, {patroniSources}] = await Promise.all([
    import('../../sources/pg/side-session.ts'),
    import('../../sources/repmgr/repmgr-sources.ts'),
    import('../../sources/patroni/patroni-sources.ts'),
  ])
  const deps = {clock: systemClock, random: Math.random, log: silentLog}
  const side = {clock: systemClock, admission: null, connectionsOf: connectionsByHost()}
  return sourcesOf([
    repmgrSources({...deps, open: (host, dbname, probe) => sideSessions(host, dbname, probe, side)}),
    patroniSources(deps),
  ])
}
