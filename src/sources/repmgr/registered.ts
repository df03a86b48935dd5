import {OperatorError} from '../../core/errors.ts'
import type {OpenSql} from '../../core/evidence/sql-session.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import {sqlIdentifier} from '../../core/sql-quoting.ts'
import {deadline} from '../../core/wait.ts'

/** A node as repmgr registered it. `conninfo` may hold a password: it is never shown or logged. */
export type RegisteredNode = Readonly<{name: string; type: string; conninfo: string}>

const limitMs = 10_000

/**
 * The rows of `repmgr.nodes` with their conninfo, which takes the rights of the table's owner.
 * Rejects with OperatorError. `where`: the server, for people.
 */
export async function registeredNodes(
  open: OpenSql,
  {clock, schema, where}: Readonly<{clock: Clock; schema: string; where: string}>,
): Promise<readonly RegisteredNode[]> {
  using limit = deadline(clock, limitMs)
  const session = await open(limit.signal)
  const text = `select node_name, type, conninfo from ${sqlIdentifier(schema)}.nodes order by node_id`
  const rows = isFailure(session) ? session : await session.ask(text, limit.signal)
  if (!isFailure(session)) session.close()
  if (isFailure(rows))
    throw new OperatorError(
      'REPMGR_NODES',
      `${schema}.nodes on ${where} cannot be read: ${rows.detail}`,
      'Start PostgreSQL, and run this as the user of harepd; PGHOST, PGUSER and the like name the server.',
    )
  return rows.map(({node_name, type, conninfo}) => ({
    name: String(node_name),
    type: String(type),
    conninfo: String(conninfo),
  }))
}
