import type {ErrorCode} from '../../core/error-codes.ts'
import type {Warning} from '../config.ts'
import type {Problem} from './problem.ts'

/** Collects while the configuration is read, so that everything wrong is told at once. */
export class Report {
  readonly problems: Problem[] = []
  readonly warnings: Warning[] = []

  /** `message` continues the path: "is not a number". */
  refuse(path: string, code: ErrorCode, message: string, next: string): void {
    this.problems.push({path, code, message, next})
  }

  warn(path: string, message: string, next: string): void {
    this.warnings.push({path, message, next})
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
