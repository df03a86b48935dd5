import {createInterface} from 'node:readline/promises'
import {OperatorError} from '../../core/errors.ts'
import {plainText} from './print.ts'

/** Asks before an order, unless `--yes`. Throws OperatorError where the answer is no, or none can be given. */
export async function confirm(question: string, isYes: boolean): Promise<void> {
  if (isYes) return
  if (!process.stdin.isTTY)
    throw new OperatorError('USAGE', `${question} This is not a terminal, so there is no answer`, 'Add --yes.')
  const lines = createInterface({input: process.stdin, output: process.stderr})
  try {
    // The question may hold words of a server, such as a member's name.
    const answer = await lines.question(plainText(`${question} [y/N]: `))
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    lines.close()
  }
  throw new OperatorError('USAGE', 'nothing was done', 'Answer "y" to go on.')
}
