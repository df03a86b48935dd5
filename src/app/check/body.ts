import type {CheckAnswer, CheckError, CheckRole} from '../../protocol/check-answer.ts'

export type CheckBody = CheckAnswer | CheckError

export const isErrorBody = (body: CheckBody): body is CheckError => 'error' in body

/** Nobody said anything: time was up, or nobody was there to ask. */
export const silence = (host: string | null, asked: CheckRole, text: string): CheckAnswer => ({
  exit: 3,
  ok: false,
  host,
  asked,
  text: host === null ? text : `${host}: ${text}`,
  via: 'nobody',
  verdict: null,
  hosts: {},
  group: null,
})
