import type {Change} from './snapshot.ts'
import {timeOf} from './wire.ts'

/** So many are kept, over restarts too. */
export const keptChanges = 1_000

/**
 * A change of this or of an earlier run. `at`: wall clock, milliseconds. `epoch` and `sequence`: as
 * of the snapshot that showed it first.
 */
export type PastChange = Readonly<{at: number; epoch: string; sequence: number; change: Change}>
export type WirePastChange = Readonly<{at: string; epoch: string; sequence: number}> & Change

export const pastToWire = ({at, epoch, sequence, change}: PastChange): WirePastChange => ({
  at: timeOf(at),
  epoch,
  sequence,
  ...change,
})

/** Throws on anything else than what `pastToWire` made. */
export function pastFromWire(json: unknown): PastChange {
  const {at, epoch, sequence, ...change} = Object(json) as WirePastChange
  const wall = Date.parse(at)
  if (Number.isNaN(wall) || typeof change.kind !== 'string' || typeof change.why !== 'string')
    throw new SyntaxError('not a change')
  return {at: wall, epoch, sequence, change}
}
