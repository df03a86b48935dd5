import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {failover} from '../../app/patroni/move.ts'

export default class PatroniFailover extends Command {
  static override summary = 'Make a member the leader, also where no member leads.'
  static override description = [
    'For a cluster that does not fail over by itself. Asks first, orders once, and reads who leads. ',
    'The exit codes are those of "patroni switchover".',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008 --candidate node2']
  static override flags = {
    ...siteFlags,
    candidate: Flags.string({description: 'the next leader', helpValue: 'NAME', required: true}),
    yes: yesFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniFailover)
    process.exitCode = await failover(flags)
  }
}
