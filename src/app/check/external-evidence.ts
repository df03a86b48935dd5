import {type SourceKind, sourcesOf} from '../../core/evidence/wanted-source.ts'
import type {MonitorSettings} from '../../core/settings.ts'
import {silentLog} from '../../core/silent-log.ts'
import {newEpoch} from '../../monitor/epoch.ts'
import type {SourcesFor} from '../../monitor/evidence-desk.ts'
import {systemClock} from '../../system/clock.ts'

/**
 * The external sources of a check without a daemon. The code of each is loaded where the configuration
 * has one: no other check pays for it. `null`: it has none.
 */
export async function externalEvidence({groups}: MonitorSettings): Promise<SourcesFor | null> {
  const kinds = await Promise.all([
    ...(groups.some(({repmgr}) => repmgr !== null) ? [repmgrKind()] : []),
    ...(groups.some(({pgaf}) => pgaf !== null) ? [pgafKind()] : []),
    ...(groups.some(({patroni}) => patroni !== null) ? [patroniKind()] : []),
    ...(groups.some(({peers, witness}) => peers.length > 0 || witness !== null) ? [peersKind()] : []),
  ])
  return kinds.length === 0 ? null : sourcesOf(kinds)
}

const deps = {clock: systemClock, random: Math.random, log: silentLog}

async function repmgrKind(): Promise<SourceKind> {
  const [{connectionsByHost, sideSessions}, {repmgrSources}] = await Promise.all([
    import('../../sources/pg/side-session.ts'),
    import('../../sources/repmgr/repmgr-sources.ts'),
  ])
  const side = {clock: systemClock, admission: null, connectionsOf: connectionsByHost()}
  return repmgrSources({...deps, open: (host, dbname, probe) => sideSessions(host, dbname, probe, side)})
}

async function pgafKind(): Promise<SourceKind> {
  const [{sessionsElsewhere}, {pgafSources}] = await Promise.all([
    import('../../sources/pg/side-session.ts'),
    import('../../sources/pgaf/pgaf-sources.ts'),
  ])
  const side = {clock: systemClock, admission: null}
  return pgafSources({...deps, open: (monitor, probe) => sessionsElsewhere(monitor, probe, side)})
}

async function patroniKind(): Promise<SourceKind> {
  const {patroniSources} = await import('../../sources/patroni/patroni-sources.ts')
  return patroniSources(deps)
}

/** A daemon on this machine is one voter with this check. */
async function peersKind(): Promise<SourceKind> {
  const [{peersOf}, {machineId}] = await Promise.all([
    import('../../sources/peer/peers.ts'),
    import('../../system/machine-id.ts'),
  ])
  const us = {epoch: newEpoch(Math.random), machineId: machineId()}
  return peersOf({us, clock: systemClock}).kind
}
