import type {CheckAnswer, CheckError} from '../../protocol/check-answer.ts'
import type {CheckRequest} from './request.ts'

/**
 * What a check ends with, from whichever way it came. `recognised`: the answer is about the hosts that
 * are meant; an older daemon cannot tell.
 */
export type CheckBody = (CheckAnswer | CheckError) & Readonly<{recognised?: boolean}>

export const isErrorBody = (body: CheckBody): body is CheckError & CheckBody => 'error' in body

/**
 * The answer where there is none: time is up, or no daemon answers and the servers are not asked.
 * `reason`: why no daemon answers, where that is known.
 */
export const noAnswer = ({question: {server}, role}: CheckRequest, why: string, reason: string | null): CheckBody => ({
  exit: 3,
  ok: false,
  host: server,
  asked: role,
  text: server === null ? why : `${server}: ${why}`,
  via: 'none',
  verdict: null,
  hosts: {},
  group: null,
  reason,
  recognised: false,
})
