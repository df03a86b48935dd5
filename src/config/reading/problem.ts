import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'

/**
 * One thing that is wrong. `path` says where (`hosts.host1.port`); no field ever holds a secret's
 * value or a line of the file.
 */
export type Problem = Readonly<{path: string; code: ErrorCode; message: string; next: string}>

/** So much of a hostile or hopeless file is shown. */
const shown = 50

/**
 * All that is wrong with a configuration, at once. `message` is ready to print, one line per
 * problem.
 */
export class ConfigError extends OperatorError {
  readonly problems: readonly Problem[]

  constructor(source: string, problems: readonly Problem[], options?: {cause?: unknown}) {
    const [first] = problems
    const lines = problems.slice(0, shown).map(({path, message, next}) => `  ${path} ${message}. ${next}`)
    if (problems.length > shown) lines.push(`  … and ${problems.length - shown} more`)
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super(
      problems.length === 1 && first ? first.code : 'CONFIG_INVALID',
      `${count} in ${source}:\n${lines.join('\n')}`,
      'Mend what is listed, then try it with "pgroute66 config check".',
      options,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}
