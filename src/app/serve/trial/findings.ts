import type {Config, Warning} from '../../../config/config.ts'
import type {Problem} from '../../../config/reading/problem.ts'
import type {ErrorCode} from '../../../core/error-codes.ts'
import {OperatorError} from '../../../core/errors.ts'

/** What would keep `serve` from its start, or from its work. */
export class Findings {
  readonly problems: Problem[] = []
  readonly warnings: Warning[] = []
  readonly #refused: readonly Problem[]

  /** `refused`: what the configuration was refused for; the values at these paths are stand-ins. */
  constructor(refused: readonly Problem[]) {
    this.#refused = refused
  }

  /** May the value at this path be tried? */
  isClean(path: string): boolean {
    const [top] = path.split(/[.[]/)
    return !this.#refused.some(({path: other}) => other.split(/[.[]/)[0] === top)
  }

  refuse(path: string, code: ErrorCode, message: string, next: string): void {
    this.problems.push({path, code, message, next})
  }

  warn(path: string, message: string, next: string): void {
    this.warnings.push({path, message, next})
  }

  /**
   * A file or a folder that cannot be used (errno). A right that this user lacks is a warning: the
   * daemon may run as another user, such as the one of its systemd unit.
   */
  unusable(path: string, code: ErrorCode, file: string, errno: string): void {
    if (errno === 'EACCES' || errno === 'EPERM')
      this.warn(path, `names ${file}, which this user may not use (${errno})`, runAsDaemon)
    else this.refuse(path, code, `names ${file}, which cannot be used (${errno})`, remedies[errno] ?? 'Correct it.')
  }

  /** The message of an OperatorError stands for itself: it names the value. */
  failed(path: string, error: unknown): void {
    if (!(error instanceof OperatorError)) throw error
    this.refuse(path, error.code, `is refused: ${error.message}`, error.next)
  }
}

const runAsDaemon = 'Give the user of the daemon this right, and run this check as that user.'
const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'Create it, or correct the path.',
  ENOTDIR: 'Correct the path: a part of it is a file.',
  EISDIR: 'Name a file in it.',
  EROFS: 'Choose a path on a disk that can be written.',
}

export const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error'

export type Trial = (config: Config, findings: Findings) => Promise<void>
