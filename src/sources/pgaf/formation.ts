import type {PgafSettings} from '../../core/settings.ts'
import {sqlLiteral} from '../../core/sql-quoting.ts'

/** A row of the monitor's `pgautofailover.node`. */
export type PgafNode = Readonly<{
  name: string
  host: string
  port: number
  systemIdentifier: string | null
  /** `goalstate`: what the monitor wants of the node. */
  assigned: string
  /** `reportedstate`: what the node said last. */
  reported: string
  /** By the monitor's clock, when the question was answered. */
  reportAgeMs: number
}>

/**
 * The states in which a node is the primary and takes writes (pg_auto_failover documentation, "Failover
 * State Machine"). `apply_settings`: a primary that changes its synchronous standbys.
 */
const primaryStates: ReadonlySet<string> = new Set([
  'single',
  'wait_primary',
  'primary',
  'join_primary',
  'apply_settings',
])
export const isPrimaryState = (state: string): boolean => primaryStates.has(state)

/** One round trip: the nodes of one group of one formation. */
export const nodesSql = ({formation, group}: Pick<PgafSettings, 'formation' | 'group'>): string =>
  `select nodename, nodehost, nodeport, sysidentifier::text as sysidentifier, goalstate::text as goalstate,
  reportedstate::text as reportedstate,
  (extract(epoch from clock_timestamp() - reporttime) * 1000)::float8 as report_age_ms
from pgautofailover.node where formationid = ${sqlLiteral(formation)} and groupid = ${group} order by nodename`

export const nodesFrom = (rows: readonly Readonly<Record<string, unknown>>[]): readonly PgafNode[] =>
  rows.map((row) => ({
    name: String(row.nodename),
    host: String(row.nodehost),
    port: Number(row.nodeport),
    systemIdentifier: row.sysidentifier === null || row.sysidentifier === '0' ? null : String(row.sysidentifier),
    assigned: String(row.goalstate),
    reported: String(row.reportedstate),
    reportAgeMs: Math.max(0, Number(row.report_age_ms)),
  }))
