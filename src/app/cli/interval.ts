import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'

const leastMs = 100

/** The value of `--interval` in milliseconds. Throws OperatorError. */
export function intervalOf(text: string): number {
  try {
    return Math.max(leastMs, parseDuration(text))
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('USAGE', `--interval ${error.message}`, error.next, {cause: error})
  }
}
