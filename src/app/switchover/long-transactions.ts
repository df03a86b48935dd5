import type {Config} from '../../config/config.ts'
import {isFailure} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import {connectionOpener} from '../../sources/pg/connection.ts'
import {systemClock} from '../../system/clock.ts'

/** Transactions that a drain of this length would not see end. */
export type Found = Readonly<{open: readonly string[]; note: string | null}>

const limitMs = 5_000
const mostListed = 10

/** pg_stat_activity shows other roles' transactions to pg_read_all_stats (PostgreSQL 28.2.3). */
const sql = (seconds: number) => `
select pid, coalesce(usename, '?') as usename, coalesce(nullif(application_name, ''), '?') as application,
       coalesce(host(client_addr), 'local') as address, state,
       round(extract(epoch from now() - xact_start))::int as seconds
  from pg_catalog.pg_stat_activity
 where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()
   and xact_start < now() - interval '${seconds} seconds'
 order by xact_start limit ${mostListed + 1}`

/** Asks the old primary once, as the monitor's own role. Never rejects. */
export async function longTransactions(config: Config, host: string, olderThanMs: number): Promise<Found> {
  const settings = config.hosts.find(({name}) => name === host)
  if (settings === undefined)
    return {open: [], note: `${host} is not in this configuration: its transactions are not seen`}
  using limit = deadline(systemClock, limitMs)
  const connection = await connectionOpener(systemClock)(settings.connection, limit.signal)
  if (isFailure(connection)) return {open: [], note: `the transactions of ${host} are not seen: ${connection.detail}`}
  const rows = await connection.ask({text: sql(Math.ceil(olderThanMs / 1_000))}, limit.signal)
  connection.close()
  if (isFailure(rows)) return {open: [], note: `the transactions of ${host} are not seen: ${rows.detail}`}
  const open = rows.map(
    (row) =>
      `pid ${row.pid} (${row.usename}, ${row.application} at ${row.address}) is ${row.state}, for ${row.seconds} s`,
  )
  return {open: open.length > mostListed ? [...open.slice(0, mostListed), 'and more'] : open, note: null}
}
