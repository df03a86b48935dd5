import {lsnBytes} from '../../core/facts/lsn.ts'
import type {Position} from './token.ts'

/** What a session says of its server; it needs no right. `timeline`: of a primary alone. */
export type Reached = Readonly<{replay: string | null; timeline: string | null}>

/** On a primary there is nothing to wait for, and only it can tell its timeline without rights. */
export const reachedNow = `select case when pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_last_wal_replay_lsn()::text end as replay,
  case when not pg_catalog.pg_is_in_recovery()
    then pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end as timeline`

/**
 * `reached`: what follows in this session shows all before the position. `behind`: not yet.
 * `forked`: the history has another timeline since, and whether the position is part of it cannot be
 * told from here.
 */
export type Passage = 'reached' | 'behind' | 'forked'

/** `known`: the timelines of the host and of its primary, by the snapshot; `null`: not known. */
export function passageOf(
  position: Position,
  {replay, timeline}: Reached,
  known: Readonly<{host: number | null; primary: number | null}>,
): Passage {
  if (timeline !== null) return Number.parseInt(timeline, 16) === position.timeline ? 'reached' : 'forked'
  const lsn = lsnBytes(replay)
  // A standby on another timeline may have passed the LSN, and never had what was written there.
  if (known.host !== position.timeline || (known.primary !== null && known.primary !== position.timeline))
    return 'behind'
  return lsn !== null && lsn >= position.lsn ? 'reached' : 'behind'
}
