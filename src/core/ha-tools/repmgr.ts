import type {RepmgrSettings} from '../settings.ts'
import {sqlIdentifier} from '../sql-quoting.ts'

/**
 * The name of a node as names are compared: pg_primgr and repmgr's users write one node as `node_1`,
 * `node-1` or `Node-1`.
 */
export const foldNode = (name: string): string => name.toLowerCase().replaceAll('_', '-')

/** The folded name of the node that `host` is. */
export const nodeOfHost = ({nodes}: RepmgrSettings, host: string): string => foldNode(nodes[host] ?? host)

/** What is read of `repmgr.nodes`. Not `conninfo`: it may hold a password. */
export const nodeColumns = ['node_id', 'node_name', 'type', 'active', 'location'] as const

/** What lets `user` read the table, and no more: to be run in the database of repmgr. */
export function repmgrGrants(user: string, {schema}: Pick<RepmgrSettings, 'schema'>): readonly string[] {
  const [role, inSchema] = [sqlIdentifier(user), sqlIdentifier(schema)]
  return [
    `GRANT USAGE ON SCHEMA ${inSchema} TO ${role};`,
    `GRANT SELECT (${nodeColumns.join(', ')}) ON ${inSchema}.nodes TO ${role};`,
  ]
}

/**
 * Whom the own `repmgr.nodes` of a host names as active primaries: folded names, possibly none or two.
 * `askedAt`: monotonic, when the table was asked for.
 */
export type NamedPrimaries = Readonly<{names: readonly string[]; askedAt: number}>

/**
 * What the tables of repmgr said last, by group and host: source `repmgr` writes it, and the local API
 * reads it. It holds one entry for each host that was ever configured with repmgr.
 */
export class NodeTables {
  readonly #said = new Map<string, NamedPrimaries>()

  /** `said`: `null` where the table cannot be read. */
  note(group: string, host: string, said: NamedPrimaries | null): void {
    if (said === null) this.#said.delete(keyOf(group, host))
    else this.#said.set(keyOf(group, host), said)
  }

  /** `null`: not read, or unreadable. The caller compares the age. */
  primariesOf(group: string, host: string): NamedPrimaries | null {
    return this.#said.get(keyOf(group, host)) ?? null
  }
}

const keyOf = (group: string, host: string): string => `${group} ${host}`
