import type {Confirmation} from './confirmation.ts'
import type {StepName} from './plan.ts'
import type {SourceAccess} from './source.ts'

/** What rejoin needs from outside of this machine's data directory. */
export type RejoinPorts = Readonly<{
  /** Asks the other hosts. Never rejects; takes a bounded time. */
  confirm: () => Promise<Confirmation>
  /** How the other primary is reached. Throws OperatorError where a password cannot be read. */
  accessTo: (source: string) => Promise<SourceAccess>
  /**
   * Writes deny into the pg_hba.conf of a data directory, under its present path, and resolves to a
   * problem in words. `null`: there is no guard.
   */
  deny: ((dataDirectory: string) => Promise<string | null>) | null
  /** The timeline on which the server of this machine streams; `null`: it does not, or not yet. */
  streamsOn: () => Promise<number | null>
  /** A line for the operator. */
  say: (line: string) => void
  /** Called around each step. */
  reached: (step: StepName, when: 'begins' | 'is done') => void
  now: () => number
  wall: () => number
}>
