import {type SourceKind, sourcesOf} from '../../core/evidence/wanted-source.ts'
import type {NodeTables} from '../../core/ha-tools/repmgr.ts'
import type {Clock, Log, Random} from '../../core/ports.ts'
import type {SourcesFor} from '../../monitor/evidence-desk.ts'
import {patroniSources} from '../../sources/patroni/patroni-sources.ts'
import {type Peers, peersOf} from '../../sources/peer/peers.ts'
import {type SideSessionDeps, sessionsElsewhere, sideSessions} from '../../sources/pg/side-session.ts'
import {pgafSources} from '../../sources/pgaf/pgaf-sources.ts'
import {repmgrSources} from '../../sources/repmgr/repmgr-sources.ts'
import {machineId} from '../../system/machine-id.ts'

export type EvidenceDeps = SideSessionDeps &
  Readonly<{clock: Clock; random: Random; log: Log; epoch: string; tables: NodeTables}>

export type ExternalEvidence = Readonly<{
  /** The external sources of each configuration; a reload keeps those that it does not change. */
  sourcesFor: SourcesFor
  /** Resolves once every peer has answered or failed. */
  heard: () => Promise<void>
}>

/** What says who is primary beside the hosts themselves. A new kind of source is one line here. */
const kinds = (deps: EvidenceDeps, peers: Peers): readonly SourceKind[] => [
  repmgrSources({...deps, open: (host, dbname, probe) => sideSessions(host, dbname, probe, deps)}),
  pgafSources({...deps, open: (monitor, probe) => sessionsElsewhere(monitor, probe, deps)}),
  patroniSources(deps),
  peers.kind,
]

export function externalEvidence(deps: EvidenceDeps): ExternalEvidence {
  const peers = peersOf({us: {epoch: deps.epoch, machineId: machineId()}, clock: deps.clock})
  return {sourcesFor: sourcesOf(kinds(deps, peers)), heard: peers.heard}
}
