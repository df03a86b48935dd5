import type {PastChange} from '../core/changes.ts'
import type {Change} from '../core/snapshot.ts'
import {timeOf} from './snapshot-json.ts'

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
