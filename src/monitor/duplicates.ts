import type {HostRecord} from '../core/host-record.ts'
import type {HostSession} from '../core/ports.ts'

export type Named = Readonly<{name: string; session: HostSession}>

/**
 * Which earlier name leads to the same server as `fresh` (DESIGN 4.1)? Only proof counts: through one session, `pg_stat_activity` shows the other's
 * backend, by pid and start. Equal identifiers are no proof - every member of a cluster has the same - but unequal ones, or another start of the
 * postmaster, spare the question. `null`: none, as far as can be told.
 */
export async function provenSame(fresh: Named, others: readonly Named[], signal: AbortSignal): Promise<string | null> {
  for (const other of others) {
    const [mine, theirs] = [fresh.session.facts, other.session.facts]
    if (mine.systemIdentifier !== theirs.systemIdentifier || mine.startedAt !== theirs.startedAt || theirs.backendStart === null) continue
    if ((await fresh.session.hasBackend(theirs.backendPid, theirs.backendStart, signal)) === true) return other.name
  }
  return null
}

/** The mark on `later` stands as long as the other name answers; when it does not, the server is reached by this one. */
export const clearedOf = (record: HostRecord, other: string): HostRecord =>
  record.duplicateOf === other ? {...record, duplicateOf: null} : record
