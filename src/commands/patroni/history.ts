import {Command} from '@oclif/core'
import {formatFlags, siteFlags} from '../../app/patroni/flags.ts'
import {printHistory} from '../../app/patroni/reads.ts'

export default class PatroniHistory extends Command {
  static override summary = 'List the promotions of a Patroni cluster: where each timeline ended, and who led then.'
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008']
  static override flags = {...siteFlags, ...formatFlags}

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniHistory)
    await printHistory(flags)
  }
}
