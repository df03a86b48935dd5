import {Command, Flags} from '@oclif/core'
import {intervalOf} from '../../app/cli/interval.ts'
import {formatFlags, siteFlags} from '../../app/patroni/flags.ts'
import {printList} from '../../app/patroni/reads.ts'

export default class PatroniTopology extends Command {
  static override summary = 'Show the members of a Patroni cluster as a tree: who follows whom.'
  static override description =
    'The columns and the exit code are those of "patroni list". A member follows the leader, or its tag replicatefrom.'
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008']
  static override flags = {
    ...siteFlags,
    ...formatFlags,
    extended: Flags.boolean({char: 'e', description: 'every column'}),
    timestamp: Flags.boolean({char: 't', description: 'the time before the table'}),
    watch: Flags.boolean({char: 'W', description: 'again and again, until Ctrl-C'}),
    interval: Flags.string({description: 'time between two looks with -W', helpValue: '2s', default: '2s'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniTopology)
    process.exitCode = await printList({...flags, isTree: true, everyMs: intervalOf(flags.interval)})
  }
}
