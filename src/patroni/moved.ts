import type {Clock} from '../core/ports.ts'
import {deadline, sleep} from '../core/wait.ts'
import type {OrderAnswer} from './answer.ts'
import type {Leader} from './claim.ts'
import {patroniDefaults, switchoverLimitMs} from './data/config.ts'
import {PatroniError} from './error.ts'
import type {Call} from './transport.ts'
import {unread} from './unread.ts'

/** What became of a switchover or a failover. */
export type Moved = Readonly<{
  /** `null`: the answer was lost. */
  answer: OrderAnswer | null
  /** Why the answer was lost; its `delivery` is not `not-sent`. */
  error: PatroniError | null
  /** Another member leads now, or the candidate. `null`: it was not read, or cannot be told yet. */
  isMoved: boolean | null
  /** Who leads, where it was read. */
  leader: Leader | null
}>

type Asked = Readonly<{
  client: Readonly<{leader(call: Call & {ttl?: number}): Promise<Leader>}>
  clock: Clock
  call: Call
  wait: boolean
  /** The candidate. */
  to: string | undefined
}>
const betweenMs = 500

/**
 * Sends an order that moves the leader, once. Rejects where it was certainly not sent. Where the
 * answer was lost, or says that Patroni does not know, `wait` reads who leads until it has moved or
 * Patroni's own time is over.
 */
export async function movedTo(asked: Asked, send: () => Promise<OrderAnswer>): Promise<Moved> {
  const before = asked.wait ? await asked.client.leader(limited(asked.call)) : null
  const sent = await send().then(
    (answer) => ({answer, error: null}),
    (error: unknown) => {
      if (error instanceof PatroniError && error.delivery !== 'not-sent') return {answer: null, error}
      throw error
    },
  )
  const isDone = sent.answer?.outcome === 'done'
  const isOpen = sent.answer === null || sent.answer.outcome === 'unknown' || isDone
  if (!asked.wait || !isOpen) return {...sent, isMoved: isDone ? true : null, leader: null}
  return {...sent, ...(await read(asked, before))}
}

/** Polls the members; each question has its own limit. */
async function read(
  {client, clock, call, to}: Asked,
  before: Leader | null,
): Promise<Pick<Moved, 'isMoved' | 'leader'>> {
  using limit = deadline(clock, switchoverLimitMs(patroniDefaults), call.signal)
  for (;;) {
    const leader = await client.leader(limited(call)).catch(unread)
    if (leader !== null && isMoved(leader, before, to)) return {isMoved: true, leader}
    if (limit.signal.aborted) {
      const isSame = leader !== null && leader.holder !== null && leader.holder.member === before?.holder?.member
      return {isMoved: isSame ? false : null, leader}
    }
    await sleep(clock, betweenMs, limit.signal)
  }
}

/** An order's own limit is too long for a question. */
const limited = ({signal}: Call): Call => (signal === undefined ? {} : {signal})

function isMoved({holder}: Leader, before: Leader | null, to: string | undefined): boolean {
  if (holder === null) return false
  if (to !== undefined && holder.name !== null) return holder.name === to
  const was = before?.holder?.member
  return was !== undefined && holder.member !== was
}
