import type {Loss} from '../../../actuators/rejoin/loss.ts'
import {furthest} from '../../../core/facts/lsn.ts'
import type {Lsn} from '../../../core/facts/observation.ts'
import type {HostState} from '../../../core/snapshot.ts'

/** `end` `null`: unknown. `isLeast`: the host may hold more than that. */
export type Position = Readonly<{end: Lsn | null; isLeast: boolean; notes: readonly string[]}>

/** Up to where a host that answers has WAL. */
export function livePosition(state: Exclude<HostState, {role: 'unavailable'}>): Position {
  if (state.role === 'primary') return {end: state.lsn, isLeast: false, notes: []}
  const end = furthest(state.receiveLsn, state.lsn)
  if (state.receiveLsn !== null) return {end, isLeast: false, notes: []}
  return {end, isLeast: true, notes: [`${state.host} tells only how far it has replayed; it may hold more`]}
}

/** Up to where a data directory has WAL. `loss` `null`: the begin of its timeline is unknown. */
export function diskPosition(pgdata: string, loss: Loss | null): Position {
  const unknown = (why: string): Position => ({
    end: null,
    isLeast: false,
    notes: [`the end of the WAL in ${pgdata} is unknown: ${why}`],
  })
  if (loss === null) return unknown('the history of its timeline cannot be read')
  return loss.doubt === null ? {end: loss.past, isLeast: false, notes: []} : unknown(loss.doubt)
}
