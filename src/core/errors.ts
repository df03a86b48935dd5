/**
 * An error that the operator can mend: bad usage, bad configuration, a missing right. Ends a
 * command with exit code 2. Everything else that is thrown is a bug (exit code 70). Expected facts
 * - refused, timed out, disagreeing - are values.
 */
export class OperatorError extends Error {
  /** Stable, for programs: `CONFIG_UNKNOWN_KEY`. */
  readonly code: string
  /** What to do next, one sentence for the operator. */
  readonly next: string

  constructor(code: string, message: string, next: string, options?: {cause?: unknown}) {
    super(message, options)
    this.name = 'OperatorError'
    this.code = code
    this.next = next
  }
}
