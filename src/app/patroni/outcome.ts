import {print} from '../cli/print.ts'

/**
 * What became of an order, by reading afterwards. `done`: seen. `accepted`: Patroni said so, and the
 * effect is not seen yet. `refused`: nothing was done. `unknown`: it may be done.
 */
export type Outcome = Readonly<{
  kind: 'done' | 'accepted' | 'refused' | 'unknown'
  /** Patroni's own words, and what was read. */
  text: string
  member?: string
}>

/** Exit codes of the commands that order something. */
export const orderExits = {done: 0, accepted: 0, refused: 1, unknown: 4} as const

/** Prints each outcome, and tells the exit code: that of the worst one. */
export function report(outcomes: readonly Outcome[], isJson: boolean): number {
  const exit = Math.max(0, ...outcomes.map(({kind}) => orderExits[kind]))
  if (isJson) print(1, JSON.stringify({exit, ok: exit === 0, outcomes}))
  else
    for (const {kind, text, member} of outcomes)
      print(exit === 0 ? 1 : 2, `${member ? `${member}: ` : ''}${words[kind]}${text}`)
  return exit
}

const words = {done: '', accepted: '', refused: 'refused: ', unknown: 'unknown whether it was done: '} as const
