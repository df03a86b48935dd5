import {Command, Flags} from '@oclif/core'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {restart} from '../../app/patroni/member-orders.ts'

export default class PatroniRestart extends Command {
  static override summary = 'Restart PostgreSQL of one or more members.'
  static override description = [
    'Asks first, restarts one member after the other, and reads that PostgreSQL has started anew. Exit 1: Patroni ',
    'refuses, in its own words. 4: it may be done.',
  ].join('')
  static override usage = 'patroni restart MEMBER... [--pending] [--scheduled TIME]'
  static override examples = ['<%= config.bin %> <%= command.id %> node2 --url http://10.0.0.1:8008 --pending']
  static override strict = false
  static override flags = {
    ...siteFlags,
    pending: Flags.boolean({description: 'only with a pending restart'}),
    role: Flags.string({description: 'only with this role: primary (4.0; before: master), replica', helpValue: 'ROLE'}),
    'pg-version': Flags.string({description: 'only below this version of PostgreSQL', helpValue: '15.4'}),
    scheduled: Flags.string({description: 'when, with its time zone', helpValue: 'TIME'}),
    timeout: Flags.string({description: 'seconds for the start; then Patroni fails over', helpValue: 'SECONDS'}),
    yes: yesFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(PatroniRestart)
    process.exitCode = await restart(argv as string[], flags)
  }
}
