import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {reload} from '../../app/patroni/member-orders.ts'

export default class PatroniReload extends Command {
  static override summary = 'Let one or more members read their configuration file again.'
  static override description = 'Asks first. Patroni does it at its next loop, and nothing tells when it is done.'
  static override usage = 'patroni reload MEMBER...'
  static override examples = ['<%= config.bin %> <%= command.id %> node1 --url http://10.0.0.1:8008']
  static override strict = false
  static override flags = {...siteFlags, yes: yesFlag, json: Flags.boolean({description: 'print one JSON document'})}

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(PatroniReload)
    process.exitCode = await reload(argv as string[], flags)
  }
}
