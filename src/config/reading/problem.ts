import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'

/**
 * One thing that is wrong. `path` says where (`hosts.host1.port`); `message` continues it, and may
 * begin with the wrong value in quotes. No field ever holds a secret or a line of the file.
 */
export type Problem = Readonly<{path: string; code: ErrorCode; message: string; next: string}> &
  /** Where the value, the key, or the mapping that lacks it stands; both count from 1. */
  Partial<Readonly<{line: number; column: number}>>

/** A hostile or hopeless file has thousands. */
const mostShown = 50

/** `pgroute66.yml:7:10: probe.timeout: "5" is a number without a unit. Write "5s".` */
function lineOf({path, message, next, line, column}: Problem, source: string): string {
  const where = line === undefined ? '' : `${source}:${line}:${column}: `
  return `  ${where}${path}${message.startsWith('"') ? ':' : ''} ${message}. ${next}`
}

/**
 * All that is wrong with a configuration, at once. `message` is ready to print, one line per
 * problem.
 */
export class ConfigError extends OperatorError {
  /** The file, or what else was read. */
  readonly source: string
  readonly problems: readonly Problem[]

  constructor(source: string, problems: readonly Problem[], options?: {cause?: unknown}) {
    const [first] = problems
    const lines = problems.slice(0, mostShown).map((each) => lineOf(each, source))
    if (problems.length > mostShown) lines.push(`  … and ${problems.length - mostShown} more`)
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super(
      problems.length === 1 && first ? first.code : 'CONFIG_INVALID',
      `${count} in ${source}:\n${lines.join('\n')}`,
      'Fix what is listed, then try it with "pgroute66 config check".',
      options,
    )
    this.name = 'ConfigError'
    this.source = source
    this.problems = problems
  }
}
