import type pg from 'pg'
import type {Emitter} from '../events.ts'
import {aborted} from '../lane.ts'
import type {ReadRequest} from '../lanes.ts'
import {outcomeOfRead} from '../policy/outcome.ts'
import {type CausalDeps, causalLease, sent} from './causal-lease.ts'
import type {Position} from './token.ts'

export type CausalRead = Readonly<{
  query: string | pg.QueryConfig
  values: readonly unknown[] | undefined
  request: ReadRequest
  position: Position
}>
export type CausalAnswer = Readonly<{result: pg.QueryResult; host: string; attempts: number; isForked: boolean}>

/** Runs one read in a session that shows the position, and repeats it elsewhere where its host is lost. */
export async function causalRead(
  deps: CausalDeps & Readonly<{events: Emitter}>,
  {query, values, request, position}: CausalRead,
): Promise<CausalAnswer> {
  const {fleet, events} = deps
  const {signal} = request
  for (let [attempts, losses] = [0, 0]; ; ) {
    const {client, host, isForked, attempts: asked} = await causalLease(deps, position, request)
    attempts += asked
    const ended = await sent(client, query, {values, signal})
    const node = fleet.node(host)
    if (ended.kind === 'done') {
      node.queries += 1
      client.release()
      return {result: ended.result, host, attempts, isForked}
    }
    const {failed, error} = ended
    node.errors += 1
    client.release(failed.phase !== 'answered' && failed.phase !== 'refused-by-driver')
    if (signal?.aborted) throw aborted(signal)
    const outcome = outcomeOfRead(failed, losses)
    if (outcome === 'pass-on' || outcome === 'give-up') throw error
    if (failed.phase === 'lost') losses += 1
    if (outcome === 'suspect') fleet.suspect(host, error)
    else request.avoid.add(host)
    events.emit('retry', {host, error, attempt: attempts, kind: 'read'})
  }
}
