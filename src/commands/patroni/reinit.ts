import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {reinit} from '../../app/patroni/member-orders.ts'

export default class PatroniReinit extends Command {
  static override summary = 'Delete the data of a standby, and copy it anew.'
  static override description = [
    'Asks first, and waits until PostgreSQL runs from the new copy. Patroni refuses this for the leader. ',
    'The exit codes are those of "patroni restart".',
  ].join('')
  static override usage = 'patroni reinit MEMBER... [--force] [--from-leader] [--no-wait]'
  static override examples = ['<%= config.bin %> <%= command.id %> node3 --url http://10.0.0.1:8008']
  static override strict = false
  static override flags = {
    ...siteFlags,
    force: Flags.boolean({description: 'also while one is under way'}),
    'from-leader': Flags.boolean({description: 'copy from the leader (Patroni 4)'}),
    wait: Flags.boolean({description: 'wait for the copy', allowNo: true, default: true}),
    yes: yesFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(PatroniReinit)
    process.exitCode = await reinit(argv as string[], flags)
  }
}
