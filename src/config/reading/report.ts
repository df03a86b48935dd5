import type {ErrorCode} from '../../core/error-codes.ts'
import type {Warning} from '../config.ts'
import type {Problem} from './problem.ts'

/** A number with or without a unit, or one plain word: what a password hardly ever looks like. */
const plainValue = /^(-?[\d.]{1,12} ?[A-Za-z]{0,12}|[A-Za-z][A-Za-z_-]{0,23})$/

/** Collects while the configuration is read, so that all problems are told at once. */
export class Report {
  readonly problems: Problem[]
  readonly warnings: Warning[]
  readonly #mayQuote: boolean

  constructor(
    into: Readonly<{problems: Problem[]; warnings: Warning[]}> = {problems: [], warnings: []},
    mayQuote = true,
  ) {
    this.problems = into.problems
    this.warnings = into.warnings
    this.#mayQuote = mayQuote
  }

  /** `message` continues the path: "is not a number", or `"5" is a number without a unit`. */
  refuse(path: string, code: ErrorCode, message: string, next: string): void {
    this.problems.push({path, code, message, next})
  }

  warn(path: string, message: string, next: string): void {
    this.warnings.push({path, message, next})
  }

  /**
   * The value that is wrong, as the beginning of a message, where it has a form that no secret has
   * in this place. Otherwise nothing: passwords get into the wrong key.
   */
  quote(value: string, form = plainValue): string {
    return this.#mayQuote && form.test(value) ? `"${value}" ` : ''
  }

  /** The same report for connection strings: any part of one may be a mistyped password. */
  withoutValues(): Report {
    return new Report(this, false)
  }

  /**
   * Nothing at or below the path was refused: rules across several keys are only judged on values
   * that were really given.
   */
  isClean(...paths: readonly string[]): boolean {
    return !this.problems.some(({path}) =>
      paths.some((top) => path === top || path.startsWith(`${top}.`) || path.startsWith(`${top}[`)),
    )
  }
}
