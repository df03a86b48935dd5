import type {RepmgrSettings} from './settings.ts'
import {sqlIdentifier} from './sql-identifier.ts'

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
