import {sqlIdentifier} from '../sql-quoting.ts'

/** What is read of `pgautofailover.node` on the monitor. */
const pgafColumns = [
  'formationid',
  'groupid',
  'nodename',
  'nodehost',
  'nodeport',
  'sysidentifier',
  'goalstate',
  'reportedstate',
  'reporttime',
] as const

/** What lets `user` read the table, and no more: to be run in the database of the monitor. */
export const pgafGrants = (user: string): readonly string[] => [
  `GRANT USAGE ON SCHEMA pgautofailover TO ${sqlIdentifier(user)};`,
  `GRANT SELECT (${pgafColumns.join(', ')}) ON pgautofailover.node TO ${sqlIdentifier(user)};`,
]
