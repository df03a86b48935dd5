import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {setPause} from '../../app/patroni/pause.ts'

export default class PatroniResume extends Command {
  static override summary = 'End the maintenance mode of a Patroni cluster.'
  static override description =
    'Asks first, and waits until every member that answers tells it. Exit 1: Patroni refuses.'
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008']
  static override flags = {...siteFlags, yes: yesFlag, json: Flags.boolean({description: 'print one JSON document'})}

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniResume)
    process.exitCode = await setPause(false, flags)
  }
}
