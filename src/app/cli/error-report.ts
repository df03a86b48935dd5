import {stripVTControlCharacters} from 'node:util'
import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'
import type {ErrorExit} from '../../protocol/exit-codes.ts'

/** An error as an operator sees it. */
export type ErrorReport = Readonly<{exit: ErrorExit; code: ErrorCode; message: string; next: string}>

/**
 * The parser's own errors are recognised by their properties: loading oclif for its classes would
 * cost a check more than the check itself.
 */
type ParserError = Error &
  Readonly<{oclif: object; flags?: readonly string[]; parse?: Readonly<{input?: {flags?: object}}>}>
const isParserError = (error: unknown): error is ParserError => error instanceof Error && 'oclif' in error

/**
 * The only place where errors get their text and exit code. `args`: as given, to name the right
 * `--help`.
 */
export async function reportOf(error: unknown, args: readonly string[]): Promise<ErrorReport> {
  if (error instanceof OperatorError) return {exit: 2, code: error.code, message: error.message, next: error.next}
  if (isParserError(error)) return {exit: 2, ...(await usageOf(error, args))}
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const next = 'Please report the bug and the command that you ran; PGROUTE66_DEBUG=1 shows where the bug is.'
  return {exit: 70, code: 'BUG', message: `this is a bug in pgroute66: ${firstLine(message)}`, next}
}

async function usageOf(error: ParserError, args: readonly string[]): Promise<Omit<ErrorReport, 'exit'>> {
  const help = `"pgroute66 ${[...commandOf(args), '--help'].join(' ')}" lists the flags.`
  if (error.flags) {
    const {nearest} = await import('../../core/words/nearest.ts')
    const [unknown = ''] = error.flags
    const meant = nearest(unknown.replace(/^-+/, ''), Object.keys(error.parse?.input?.flags ?? {}))
    const message = `unknown ${error.flags.length === 1 ? 'flag' : 'flags'} ${error.flags.join(', ')}`
    return {code: 'USAGE_FLAG', message, next: meant === null ? help : `Did you mean --${meant}? ${help}`}
  }
  const message = stripVTControlCharacters(error.message)
    .replace(/^The following errors? occurred:\n */, '')
    .replace(/\n*See more help with --help\s*$/, '')
  return {code: 'USAGE', message: message.charAt(0).toLowerCase() + message.slice(1), next: help}
}

/** The first words of commands that have two. */
const topics = ['config', 'haproxy', 'patroni']
const commandOf = (args: readonly string[]): readonly string[] => args.slice(0, topics.includes(args[0] ?? '') ? 2 : 1)

const firstLine = (text: string) => text.split('\n', 1)[0] ?? ''
