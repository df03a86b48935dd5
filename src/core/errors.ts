import type {ErrorCode} from './error-codes.ts'

/**
 * An error that the operator can fix: wrong usage, wrong configuration, a missing permission. Ends a
 * command with exit code 2. Everything else that is thrown is a bug (exit code 70). Expected facts
 * - refused, timed out, disagreeing - are values.
 */
export class OperatorError extends Error {
  /** Stable, for programs: `CONFIG_UNKNOWN_KEY`. */
  readonly code: ErrorCode
  /** What to do next, one sentence for the operator. */
  readonly next: string

  constructor(code: ErrorCode, message: string, next: string, options?: {cause?: unknown}) {
    super(message, options)
    this.name = 'OperatorError'
    this.code = code
    this.next = next
  }
}
