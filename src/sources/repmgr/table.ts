import {foldNode, nodeColumns} from '../../core/ha-tools/repmgr.ts'
import {sqlIdentifier} from '../../core/sql-quoting.ts'

/** A row of `repmgr.nodes`. No row has a time: how old the table is, the table does not say. */
export type NodeRow = Readonly<{
  id: number
  name: string
  /** `primary`, `standby`, `witness`. An inactive former primary keeps `primary`. */
  type: string
  active: boolean
  location: string
}>

/**
 * What one host's own table says, or why there is none. `askedAt`: monotonic, taken before the
 * question left. `isBlind`: the operator has to grant or correct something.
 */
export type Reading =
  | Readonly<{kind: 'table'; askedAt: number; rows: readonly NodeRow[]}>
  | Readonly<{kind: 'unreadable'; askedAt: number; detail: string; isBlind: boolean}>

/** One round trip. `repmgr.show_nodes` is not asked: it is its owner's alone. */
export const tableSql = (schema: string): string =>
  `select ${nodeColumns.join(', ')} from ${sqlIdentifier(schema)}.nodes order by node_id`

export const rowsFrom = (rows: readonly Readonly<Record<string, unknown>>[]): readonly NodeRow[] =>
  rows.map(({node_id, node_name, type, active, location}) => ({
    id: Number(node_id),
    name: String(node_name),
    type: String(type),
    active: active === true,
    location: String(location),
  }))

/** The rows of a node, by its folded name: more than one where two names fold to one. */
export const rowsOf = (rows: readonly NodeRow[], node: string): readonly NodeRow[] =>
  rows.filter(({name}) => foldNode(name) === node)

/** The folded names of the active primaries. Two are possible. */
export const activePrimaries = (rows: readonly NodeRow[]): readonly string[] =>
  rows.filter(({type, active}) => type === 'primary' && active).map(({name}) => foldNode(name))

/**
 * The nodes that vote about `node`: the primary and standbys of its location, active or not, because
 * one side of a partition marks the other as inactive. Never a witness: its table is a copy from
 * the primary that it is attached to, possibly the old one.
 */
export const electorateOf = (rows: readonly NodeRow[], node: NodeRow): readonly NodeRow[] =>
  rows.filter(
    ({type, location}) =>
      (type === 'primary' || type === 'standby') && location.toLowerCase() === node.location.toLowerCase(),
  )
