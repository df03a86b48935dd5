import {Command} from '@oclif/core'
import {plainText} from './print.ts'

/** A command that prints text: no word of a server, a peer or a file reaches the terminal raw. */
export abstract class TextCommand extends Command {
  override log(message = ''): void {
    super.log('%s', plainText(message))
  }

  override logToStderr(message = ''): void {
    super.logToStderr('%s', plainText(message))
  }
}
