import {STATUS_CODES} from 'node:http'
import type {ErrorCode} from '../core/error-codes.ts'

/** What a route answers. The body is text, so that equal answers are serialised once. */
export type Answer = Readonly<{status: number; body: string; type: string; headers?: Readonly<Record<string, string>>}>

export const jsonType = 'application/json; charset=utf-8'
const problemType = 'application/problem+json; charset=utf-8'

export const json = (status: number, value: unknown, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  body: JSON.stringify(value),
  type: jsonType,
  ...(headers && {headers}),
})

export type Problem = Readonly<{code: ErrorCode; detail: string; next: string}>

/** RFC 9457. `code` is stable, for programs; `next` tells people what to do. */
export const problem = (
  status: number,
  {code, detail, next}: Problem,
  headers?: Readonly<Record<string, string>>,
): Answer => ({
  status,
  body: JSON.stringify({type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code, next}),
  type: problemType,
  ...(headers && {headers}),
})
