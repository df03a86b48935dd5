import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import {type Limits, noLimits} from '../../core/offers/eligibility.ts'
import {parseSize} from '../../core/size.ts'

/** `16MB` or `5s`: a lag in bytes or in time. Throws OperatorError. */
export function parseMaxLag(text: string | null): Limits {
  if (text === null) return noLimits
  try {
    return /b$/i.test(text.trim())
      ? {...noLimits, lagBytes: parseSize(text)}
      : {...noLimits, lagMs: parseDuration(text)}
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError(
      'USAGE',
      `--max-lag "${text}" is neither a size nor a duration`,
      'Write it with a unit: "16MB", "5s".',
      {
        cause: error,
      },
    )
  }
}

/** As flags carry it. Throws OperatorError that names the flag. */
export function parseTimeout(text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms > 0) return ms
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('USAGE', `--timeout ${error.message}`, error.next, {cause: error})
  }
  throw new OperatorError('USAGE', '--timeout is zero: there would be no time for any answer', 'Leave it out for 2s.')
}
