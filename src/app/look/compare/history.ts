import {type HistoryLine, readHistory} from '../../../actuators/rejoin/fork.ts'
import {isFailure} from '../../../core/ports.ts'
import type {HostSettings, ProbeSettings} from '../../../core/settings.ts'
import {connectionsByHost, sideSessions} from '../../../sources/pg/side-session.ts'
import {systemClock} from '../../../system/clock.ts'

export type History = Readonly<{lines: readonly HistoryLine[] | null; note: string | null}>

export const historyName = (timeline: number) => `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`

/** The role that reads the statistics may read no file. rejoin's role has this right already. */
const grant = (user: string) => `GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text) TO "${user}"`

/** The timeline history file of a running server. Never rejects. */
export async function historyOver(
  host: HostSettings,
  timeline: number,
  probe: ProbeSettings,
  signal: AbortSignal,
): Promise<History> {
  if (timeline === 1) return {lines: [], note: null}
  const {dbname, user} = host.connection
  const deps = {clock: systemClock, admission: null, connectionsOf: connectionsByHost()}
  const session = await sideSessions(host, dbname, probe, deps)(signal)
  const unread = (why: string): History => ({
    lines: null,
    note: `the history of timeline ${timeline} cannot be read on ${host.name}: ${why}`,
  })
  if (isFailure(session)) return unread(session.detail)
  const path = `pg_wal/${historyName(timeline)}`
  const rows = await session.ask(
    `select pg_catalog.convert_from(pg_catalog.pg_read_binary_file('${path}'), 'UTF8') as history`,
    signal,
  )
  session.close()
  if (!isFailure(rows)) return {lines: readHistory(String(rows[0]?.history)), note: null}
  return unread(rows.sqlstate === '42501' ? `run there "${grant(user)}"` : rows.detail)
}
