import {type SourceKind, sourcesOf} from '../../core/evidence/wanted-source.ts'
import type {Clock, Log, Random} from '../../core/ports.ts'
import type {SourcesFor} from '../../monitor/evidence-desk.ts'
import {patroniSources} from '../../sources/patroni/patroni-sources.ts'
import {type SideSessionDeps, sideSessions} from '../../sources/pg/side-session.ts'
import {repmgrSources} from '../../sources/repmgr/repmgr-sources.ts'

export type EvidenceDeps = SideSessionDeps & Readonly<{clock: Clock; random: Random; log: Log}>

/** What says who is primary beside the hosts themselves. A new kind of source is one line here. */
const kinds = (deps: EvidenceDeps): readonly SourceKind[] => [
  repmgrSources({...deps, open: (host, dbname, probe) => sideSessions(host, dbname, probe, deps)}),
  patroniSources(deps),
]

/** The external sources of each configuration; a reload keeps those that it does not change. */
export const evidenceSources = (deps: EvidenceDeps): SourcesFor => sourcesOf(kinds(deps))
