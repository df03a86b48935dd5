import type {HostSettings} from '../../core/settings.ts'
import type {Environment} from '../libpq/environment.ts'
import type {Report} from '../reading/report.ts'

/** What every section gets beside its keys. Problems go to the report. */
export type Context = Readonly<{
  /** Relative paths are relative to this directory. */
  directory: string
  env: Environment
  /** From the file, or from connection strings. */
  hosts: readonly HostSettings[]
  report: Report
}>
