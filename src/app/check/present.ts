import type {Limits} from '../../core/offers/eligibility.ts'
import {type OutputFormat, type Presented, presentError} from '../cli/error-output.ts'
import {type CheckBody, isErrorBody} from './answer.ts'
import {nagiosOf} from './nagios.ts'

/** What a check prints, and its exit code. `maxLag`: Nagios warns of a standby beyond it. */
export function present(body: CheckBody, format: OutputFormat, maxLag: Limits): Presented {
  if (isErrorBody(body)) return presentError({...body.error, exit: 2}, format)
  if (format === 'nagios') return {fd: 1, ...nagiosOf(body, maxLag)}
  return {fd: 1, text: format === 'json' ? JSON.stringify(body) : body.text, exit: body.exit}
}
