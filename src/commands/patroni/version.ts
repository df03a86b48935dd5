import {Command} from '@oclif/core'
import {formatFlags, siteFlags} from '../../app/patroni/flags.ts'
import {printVersions} from '../../app/patroni/reads.ts'

export default class PatroniVersion extends Command {
  static override summary = 'Print the versions of Patroni and PostgreSQL of each member.'
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008']
  static override flags = {...siteFlags, ...formatFlags}

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniVersion)
    process.exitCode = await printVersions(flags)
  }
}
