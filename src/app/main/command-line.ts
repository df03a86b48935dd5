import {type Config, flush, run} from '@oclif/core'
import {OperatorError} from '../../core/errors.ts'
import {nearest} from '../../core/words/nearest.ts'
import {loadCommands} from './commands.ts'

/**
 * Runs one command. Rejects with the error that stopped it. oclif's own handler is not used: it
 * prints stacks and exits with 1.
 */
export async function runCommand(args: readonly string[]): Promise<void> {
  // Without a handler, SIGUSR1 makes node open its debugger on a port, where every user of the
  // machine could read the passwords in this process.
  process.on('SIGUSR1', () => {})
  if (args.some((word) => word === '--help' || word === '-h')) await sayTheSummaryOnce()
  const config = await loadCommands()
  refuseUnknown(args, config)
  try {
    await run([...args], config)
  } catch (error) {
    // oclif ends a command on purpose with this error.
    if ((error as {code?: unknown}).code !== 'EEXIT') throw error
    process.exitCode = (error as {oclif?: {exit?: number}}).oclif?.exit ?? 0
  }
  await flush()
}

/**
 * oclif prints a command's summary on the first line, and again above its description. Its own
 * option against that (`hideCommandSummaryInDescription`) keeps only the last paragraph.
 */
async function sayTheSummaryOnce(): Promise<void> {
  const {CommandHelp} = await import('@oclif/core')
  Object.defineProperty(CommandHelp.prototype, 'description', {
    value(this: {command: {description?: string}; wrap: (text: string) => string}) {
      return this.command.description === undefined ? undefined : this.wrap(this.command.description)
    },
  })
}

/**
 * Runs before oclif looks: oclif would take the arguments for parts of the command's name, and
 * suggest no command.
 */
function refuseUnknown(args: readonly string[], config: Config): void {
  const end = args.findIndex((word) => word.startsWith('-'))
  const words = end < 0 ? args : args.slice(0, end)
  const [first] = words
  if (first === undefined || first === 'help') return
  const ids = config.commandIDs.map((id) => id.replaceAll(':', ' '))
  const isTopic = ids.some((id) => id.startsWith(`${first} `))
  const tried = isTopic ? words.slice(0, 2).join(' ') : first
  if (ids.includes(first) || ids.includes(tried) || (isTopic && words.length === 1)) return

  const meant = nearest(tried, ids)
  const next = meant === null ? '"pgroute66 --help" lists the commands.' : `Did you mean "pgroute66 ${meant}"?`
  throw new OperatorError('USAGE_COMMAND', `there is no command "${tried}"`, next)
}
