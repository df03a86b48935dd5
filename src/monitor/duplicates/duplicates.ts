import type {HostRecord} from '../../core/facts/host-record.ts'
import type {SessionFacts} from '../../core/facts/observation.ts'
import type {HostSession} from '../../core/ports.ts'

export type Named = Readonly<{name: string; session: HostSession}>

/**
 * Could the two be sessions of one server? Every member of a cluster has the same identifier, but
 * not the same start of its postmaster.
 */
export const mayBeSame = (one: SessionFacts, other: SessionFacts): boolean =>
  isAlike(one.systemIdentifier, other.systemIdentifier) && isAlike(one.startedAt, other.startedAt)
const isAlike = (one: unknown, other: unknown) => one === null || other === null || one === other

/**
 * Which other name leads to the same server as `fresh` (DESIGN 4.1)? Only proof counts: through one
 * session, `pg_stat_activity` shows the other's backend, by pid and start. `null`: none, as far as
 * can be told.
 */
export async function provenSame(fresh: Named, others: readonly Named[], signal: AbortSignal): Promise<string | null> {
  for (const other of others) {
    const {backendPid, backendStart} = other.session.facts
    if (!mayBeSame(fresh.session.facts, other.session.facts) || backendStart === null) continue
    if ((await fresh.session.hasBackend(backendPid, backendStart, signal)) === true) return other.name
  }
  return null
}

/**
 * New marks by name, `null` to take one away; in an order in which no two names of one server are
 * unmarked at any moment.
 */
export type Marks = readonly (readonly [name: string, duplicateOf: string | null])[]

/**
 * `first` and `second` are one server: `second`, and every name that was a duplicate of it, is
 * marked with the first one's name.
 */
export function marked(first: string, second: string, records: readonly HostRecord[]): Marks {
  const others = namesOf(second, records).filter((name) => name !== first)
  return [...others.map((name) => [name, first] as const), [second, first], [first, null]]
}

/**
 * Of one server's names the first is shown and the others are marked. When the first falls silent
 * and `heir`, a marked one, is *then* answered, the server is reached by that: an older answer is
 * not proof, it is from the same server that just fell silent.
 */
export function inherited(heir: HostRecord, records: readonly HostRecord[]): Marks {
  const {duplicateOf: first, observation} = heir
  const past = records.find(({settings}) => settings.name === first)?.observation
  if (
    first === null ||
    observation?.kind !== 'facts' ||
    past?.kind !== 'failure' ||
    observation.askedAt < past.askedAt + past.probeMs
  )
    return []
  const {name} = heir.settings
  const others = namesOf(first, records).filter((other) => other !== name)
  return [...others.map((other) => [other, name] as const), [first, name], [name, null]]
}

const namesOf = (first: string, records: readonly HostRecord[]): readonly string[] =>
  records.filter(({duplicateOf}) => duplicateOf === first).map(({settings}) => settings.name)
