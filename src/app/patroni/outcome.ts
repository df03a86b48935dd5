import type {OrderAnswer} from '../../patroni/answer.ts'
import {PatroniError} from '../../patroni/error.ts'
import {print} from '../cli/print.ts'

/**
 * What became of an order, by reading afterwards. `done`: seen. `accepted`: Patroni said so, and the
 * effect is not seen yet. `refused`: nothing was done. `failed`: Patroni tried. `unknown`: it may be
 * done.
 */
export type Outcome = Readonly<{
  kind: 'done' | 'accepted' | 'refused' | 'failed' | 'unknown'
  /** Patroni's own words, and what was read. */
  text: string
  member?: string
}>

/** Exit codes of the commands that order something. */
export const orderExits = {done: 0, accepted: 0, refused: 1, failed: 1, unknown: 4} as const

/**
 * Sends an order once. `seen` reads its effect: also where the answer is lost, or Patroni itself does
 * not know. Rejects with PatroniError where the order was certainly not sent.
 */
export async function ordered(
  send: () => Promise<OrderAnswer>,
  seen: (said: string) => Promise<Outcome>,
): Promise<Outcome> {
  const sent = await send().catch((error: unknown) => {
    if (error instanceof PatroniError && error.delivery !== 'not-sent') return error
    throw error
  })
  if (sent instanceof PatroniError) return doubted(await seen(sent.message))
  const {outcome, text} = sent
  if (outcome === 'refused' || outcome === 'failed') return {kind: outcome, text}
  return outcome === 'unknown' ? doubted(await seen(text)) : seen(text)
}

/** Patroni has not said that it took the order, so only an effect that is seen counts. */
const doubted = (seen: Outcome): Outcome => (seen.kind === 'done' ? seen : {...seen, kind: 'unknown'})

/** Prints each outcome, and tells the exit code: that of the worst one. */
export function report(outcomes: readonly Outcome[], isJson: boolean): number {
  const exit = Math.max(0, ...outcomes.map(({kind}) => orderExits[kind]))
  if (isJson) print(1, JSON.stringify({exit, ok: exit === 0, outcomes}))
  else
    for (const {kind, text, member} of outcomes)
      print(exit === 0 ? 1 : 2, `${member ? `${member}: ` : ''}${words[kind]}${text}`)
  return exit
}

const words = {
  done: '',
  accepted: '',
  refused: 'refused: ',
  failed: 'failed: ',
  unknown: 'unknown whether it was done: ',
} as const
