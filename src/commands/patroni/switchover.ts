import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {switchover} from '../../app/patroni/move.ts'

export default class PatroniSwitchover extends Command {
  static override summary = 'Make another member of a healthy Patroni cluster the leader.'
  static override description = [
    'Shows the members and asks first. The order is sent once; then the members are asked who leads. Exit 0: the ',
    'leader has changed, or the switchover is scheduled. 1: Patroni refuses, in its own words. 4: it may be done.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008 --candidate node2']
  static override flags = {
    ...siteFlags,
    leader: Flags.string({description: 'the present leader [default: who leads]', helpValue: 'NAME'}),
    candidate: Flags.string({description: 'the next leader [default: Patroni chooses]', helpValue: 'NAME'}),
    scheduled: Flags.string({description: 'when, with its time zone; replaces an earlier one', helpValue: 'TIME'}),
    cancel: Flags.boolean({
      description: 'remove the switchover that is scheduled',
      exclusive: ['scheduled', 'candidate'],
    }),
    yes: yesFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniSwitchover)
    process.exitCode = await switchover(flags)
  }
}
