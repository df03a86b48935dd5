import {factsOf, type HostRecord} from './host-record.ts'

/**
 * To which cluster a group belongs (DESIGN 4.1). `known`: configured, remembered or learned just
 * now. `tied`: the hosts that answered belong to different clusters and none has a majority.
 * `open`: too few have answered to learn it, and none contradicts another.
 */
export type Identity = Readonly<
  | {kind: 'known'; systemIdentifier: string}
  | {kind: 'tied'; found: Readonly<Record<string, readonly string[]>>}
  | {kind: 'open'}
>

/**
 * `settled`: the configured identifier, else the remembered one. More than half of the *configured*
 * hosts teach it, so that a lone stranger cannot.
 */
export function identify(settled: string | null, records: readonly HostRecord[]): Identity {
  if (settled !== null) return {kind: 'known', systemIdentifier: settled}
  const found: Record<string, string[]> = {}
  for (const record of records) {
    const seen = factsOf(record)
    const cluster = seen?.session.systemIdentifier ?? null
    // A host that does not tell its cluster teaches nothing and contradicts nothing.
    if (cluster === null || record.duplicateOf !== null) continue
    found[cluster] = [...(found[cluster] ?? []), record.settings.name]
  }
  const learned = Object.keys(found).find((identifier) => (found[identifier]?.length ?? 0) * 2 > records.length)
  if (learned !== undefined) return {kind: 'known', systemIdentifier: learned}
  return Object.keys(found).length > 1 ? {kind: 'tied', found} : {kind: 'open'}
}

/** The identifier that the host fails to carry; `null`: it belongs, or cannot be told. */
export function foreignTo(identity: Identity, record: HostRecord): string | null {
  const cluster = factsOf(record)?.session.systemIdentifier ?? null
  if (identity.kind !== 'known' || cluster === null) return null
  return cluster === identity.systemIdentifier ? null : identity.systemIdentifier
}
